import { TIMER_CATCH_UPS, TIMER_OVERLAPS, TIMER_TICK } from "@adaos/core/wire";
import { z } from "zod";
import { tokenOf } from "../../policy-rule.ts";
import { duration } from "../duration.ts";

const timerSchema = z
  .strictObject({
    cron: z
      .string()
      .max(500)
      .optional()
      .describe("five fields (minute, hour, day, month, day of week), or six with seconds first"),
    every: duration.optional().describe("interval: 15m; it counts from when the timer is made"),
    at: z.string().max(40).optional().describe("once: 2026-12-24T18:00, in the zone"),
    zone: z.string().max(100).default("UTC").describe("time zone of cron, at and until: Europe/Berlin"),
    event: z.string().max(210).default(TIMER_TICK).describe("the event that it publishes: scenario.run@1"),
    data: z
      .unknown()
      .optional()
      .describe("the event's data; without it the timer's name and the time, as timer.tick has them"),
    jitter: duration.optional().describe("fires up to so much later, always by the same time"),
    overlap: z
      .enum(TIMER_OVERLAPS)
      .default("allow")
      .describe(
        "a fire while the event before is unsettled at a durable of the subnet: publish it, skip it, or keep one until then",
      ),
    catchUp: z
      .enum(TIMER_CATCH_UPS)
      .default("once")
      .describe("fires that were missed by more than a minute: none, the last one, or all"),
    within: duration.optional().describe("missed fires that are older are never published; by default 1h"),
    until: z.string().max(40).optional().describe("no fire after this time"),
    times: z.number().int().min(1).max(1_000_000_000).optional().describe("no more fires than these"),
  })
  .refine(({ cron, every, at }) => [cron, every, at].filter((one) => one !== undefined).length === 1, {
    message: "needs exactly one of cron, every and at",
  });

/** The timers of a member, by name. */
export const timersSchema = z
  .record(tokenOf("timer"), timerSchema)
  .refine((timers) => Object.keys(timers).length <= 1000, {
    message: "a member declares at most 1000 timers",
  })
  .describe(
    "events that the hub publishes as this member, at their times; policy must let the member publish them",
  );

export type DeclaredTimers = z.output<typeof timersSchema>;

/** A timer as a hub's node file holds it; the core checks the rest. */
export const timerDefinitionSchema = z.strictObject({
  name: tokenOf("timer"),
  schedule: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("cron"), cron: z.string(), zone: z.string() }),
    z.strictObject({ kind: z.literal("every"), everyMs: z.number().int() }),
    z.strictObject({ kind: z.literal("at"), atMs: z.number().int(), zone: z.string() }),
  ]),
  event: z.strictObject({
    name: z.string(),
    version: z.number().int(),
    kind: z.enum(["event", "command", "reply"]),
  }),
  data: z.unknown(),
  jitterMs: z.number().int(),
  overlap: z.enum(TIMER_OVERLAPS),
  catchUp: z.enum(TIMER_CATCH_UPS),
  withinMs: z.number().int(),
  untilMs: z.number().int().exactOptional(),
  times: z.number().int().exactOptional(),
});
