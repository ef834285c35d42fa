import { duration, unknownKeysHint } from "@adaos/config";
import { parseEventPattern, RETRY_PRESETS, type RetryPreset } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";
import { z } from "zod";

const MAX_EVENTS = 100;
/** `skill-<name>-<event>` has 63 characters, and leaves room for the event. */
const MAX_NAME = 40;
const MIN_MEMORY_MB = 64;
const MAX_MEMORY_MB = 4096;

function strict<T extends z.ZodRawShape>(shape: T): z.ZodObject<T, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys" ? unknownKeysHint(issue.keys, Object.keys(shape)) : undefined,
  });
}

const pattern = z.string("must be an event: ui.notify@1, ui.notify or ui.").superRefine((text, context) => {
  try {
    parseEventPattern(text);
  } catch (thrown) {
    context.addIssue(messageOf(thrown));
  }
});
const patterns = z
  .array(pattern, "must be a list of events")
  .max(MAX_EVENTS, `must be at most ${MAX_EVENTS} events`)
  .nullish();
/** A path below the skill's folder. */
const inside = z
  .string("must be the path of a file in the skill's folder")
  .min(1, "must be the path of a file in the skill's folder")
  .max(200, "must be at most 200 characters")
  .refine((path) => !path.startsWith("/") && !path.split(/[\\/]/).includes(".."), {
    message: "must stay within the skill's folder: no .. and no absolute path",
  });
const text = z.string("must be a text").min(1, "must not be empty");
const presets = Object.keys(RETRY_PRESETS) as [RetryPreset, ...RetryPreset[]];

const topic = strict({
  timeout: duration.optional(),
  max_concurrency: z.number().int().min(1).max(1000).optional(),
  retry: z.enum(presets).optional(),
});

/** A skill's name: written, or that of its folder. */
export const skillName: z.ZodType<string> = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]*$/, "must have only a-z 0-9 -, and begin with no -")
  .max(MAX_NAME, `must be at most ${MAX_NAME} characters`);

/** `skill.yaml`. */
export const skillForm: z.ZodType<SkillForm> = strict({
  name: skillName.optional(),
  version: text.max(64, "must be at most 64 characters").optional(),
  description: z.string().max(2000).optional(),
  entry: inside.optional(),
  command: z.array(text.max(1000), "must be a list: [python3, skill.py]").min(1).max(32).optional(),
  events: strict({
    subscribe: patterns,
    publish: patterns,
    schemas: z.record(pattern, inside).nullish(),
    schemas_from: text.nullish(),
  }),
  handlers: z.record(pattern, topic).optional(),
  timeout: duration.optional(),
  max_concurrency: z.number().int().min(1).max(1000).optional(),
  memory_mb: z.number().int().min(MIN_MEMORY_MB).max(MAX_MEMORY_MB).optional(),
  env: z
    .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "must be the name of an environment variable"))
    .max(50)
    .optional(),
}).superRefine((skill, context) => {
  if (skill.entry !== undefined && skill.command !== undefined)
    context.addIssue({ code: "custom", path: ["command"], message: "needs no entry beside it" });
  for (const event of Object.keys(skill.handlers ?? {})) {
    if (skill.events.subscribe?.includes(event) === true) continue;
    const message = `${event} is not in events.subscribe; write it as it is there`;
    context.addIssue({ code: "custom", path: ["handlers", event], message });
  }
  for (const [key, ms] of [["timeout", skill.timeout] as const, ...timeoutsOf(skill.handlers)]) {
    if (ms !== undefined && (ms < 1000 || ms > 3_600_000))
      context.addIssue({ code: "custom", path: key.split(" "), message: "must be 1s to 1h" });
  }
});

interface TopicForm {
  readonly timeout?: number | undefined;
  readonly max_concurrency?: number | undefined;
  readonly retry?: RetryPreset | undefined;
}

export interface SkillForm {
  readonly name?: string | undefined;
  readonly version?: string | undefined;
  readonly description?: string | undefined;
  readonly entry?: string | undefined;
  readonly command?: readonly string[] | undefined;
  readonly events: {
    readonly subscribe?: readonly string[] | null | undefined;
    readonly publish?: readonly string[] | null | undefined;
    readonly schemas?: Readonly<Record<string, string>> | null | undefined;
    readonly schemas_from?: string | null | undefined;
  };
  readonly handlers?: Readonly<Record<string, TopicForm>> | undefined;
  readonly timeout?: number | undefined;
  readonly max_concurrency?: number | undefined;
  readonly memory_mb?: number | undefined;
  readonly env?: readonly string[] | undefined;
}

function timeoutsOf(handlers: SkillForm["handlers"]): (readonly [string, number | undefined])[] {
  return Object.entries(handlers ?? {}).map(([event, { timeout }]) => [`handlers ${event} timeout`, timeout]);
}
