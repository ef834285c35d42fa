import type { TimerRequest } from "@adaos/transport-nats";
import { z } from "zod";

const name = z.string().min(1).max(63);
const ms = z.number().int().min(0).max(7_258_118_400_000);

/** Shapes only: `assertTimer` decides whether a timer is valid. */
const definition = z.strictObject({
  name,
  schedule: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("cron"), cron: z.string().max(500), zone: z.string().max(100) }),
    z.strictObject({ kind: z.literal("every"), everyMs: z.number() }),
    z.strictObject({ kind: z.literal("at"), atMs: ms, zone: z.string().max(100) }),
  ]),
  event: z.strictObject({
    name: z.string().max(200),
    version: z.number().int().min(1).max(9999),
    kind: z.enum(["event", "command", "reply"]),
  }),
  data: z.unknown(),
  jitterMs: z.number(),
  overlap: z.enum(["allow", "skip", "buffer-one"]),
  catchUp: z.enum(["none", "once", "all"]),
  withinMs: z.number(),
  untilMs: ms.exactOptional(),
  times: z.number().exactOptional(),
});

export const timerRequestSchema: z.ZodType<TimerRequest> = z.discriminatedUnion("op", [
  z.strictObject({ op: z.literal("put"), timer: definition }),
  z.strictObject({ op: z.literal("list"), after: z.string().exactOptional() }),
  z.strictObject({ op: z.literal("show"), name }),
  z.strictObject({ op: z.literal("next"), name, count: z.number().int().min(1).max(1000) }),
  z.strictObject({ op: z.literal("remove"), name }),
  z.strictObject({ op: z.literal("pause"), name }),
  z.strictObject({ op: z.literal("resume"), name }),
  z.strictObject({ op: z.literal("trigger"), name }),
  z.strictObject({
    op: z.literal("backfill"),
    name,
    fromMs: ms,
    toMs: ms,
    id: z.string().min(1).max(64),
    dryRun: z.boolean(),
  }),
]);
