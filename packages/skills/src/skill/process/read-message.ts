import { z } from "zod";
import type { FromSkill } from "../protocol/messages.ts";
import { LOG_LEVELS } from "../protocol/messages.ts";

const id = z.number().int().min(0);
const cut = (length: number) => z.string().transform((text) => text.slice(0, length));
/** A field of an error that says nothing useful is left out: the report of a fault must not be one. */
const ifRight = <T>(form: z.ZodType<T>) => form.optional().catch(undefined);
const told = z.object({
  name: cut(200).catch("Error"),
  message: cut(10_000),
  code: ifRight(cut(200)),
  status: ifRight(z.number()),
  stack: ifRight(cut(20_000)),
  retryable: ifRight(z.boolean()),
  retry_after_ms: ifRight(z.number().min(0)),
});
const asked = {
  id,
  delivery: id.exactOptional(),
  event: z.string().max(300),
  data: z.unknown().optional(),
  key: z.string().min(1).max(512).exactOptional(),
};
const message = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready"), handlers: z.array(z.string().max(300)).max(1000) }),
  z.object({ type: z.literal("broken"), error: told }),
  z.object({ type: z.literal("done"), id, value: z.unknown().optional() }),
  z.object({ type: z.literal("failed"), id, error: told }),
  z.object({ type: z.literal("publish"), ...asked }),
  z.object({ type: z.literal("request"), ...asked, timeout_ms: z.number().exactOptional() }),
  z.object({
    type: z.literal("log"),
    level: z.enum(LOG_LEVELS).default("info"),
    message: z.string(),
    fields: ifRight(z.record(z.string(), z.unknown())),
  }),
  z.object({ type: z.literal("pong"), id }),
]);

/** A line of a skill as a message; a text says what is wrong with it. Pure. */
export function readMessage(line: string): FromSkill | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return `a line that is no JSON: ${line.slice(0, 200)}`;
  }
  const checked = message.safeParse(value);
  if (checked.success) return checked.data as FromSkill;
  const [issue] = checked.error.issues;
  return `a message whose ${issue?.path.join(".") || "form"} is wrong (${issue?.message ?? "unknown"}): ${line.slice(0, 200)}`;
}
