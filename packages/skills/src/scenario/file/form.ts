import { duration, meantKey, parseDuration, unknownKeysHint } from "@adaos/config";
import { parseEventPattern, parseEventRef } from "@adaos/core";
import { messageOf, quote, TIMER_CATCH_UPS } from "@adaos/core/wire";
import { z } from "zod";
import {
  type EffectDefinition,
  type EffectVerb,
  OVERFLOWS,
  SCENARIO_MODES,
  type ScenarioDefinition,
  type TriggerDefinition,
} from "./definition.ts";

const MAX_ITEMS = 100;
const DELAY_RULE = "must be like 30s, 15m, 2h or 7d and not zero, or be computed by an expression";
/** Longest expression: with the limits of `cel/expression.ts`, none takes long. */
const MAX_EXPRESSION_LENGTH = 1000;

function strict<T extends z.ZodRawShape>(shape: T): z.ZodObject<T, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys" ? unknownKeysHint(issue.keys, Object.keys(shape)) : undefined,
  });
}

/** A text that a function of the core can read. */
function readable(what: string, read: (text: string) => unknown): z.ZodType<string> {
  return z.string(`must be ${what}`).superRefine((text, context) => {
    try {
      read(text);
    } catch (thrown) {
      context.addIssue(messageOf(thrown));
    }
  });
}

const cel = z
  .string("must be an expression in CEL, such as event.data.level > 3")
  .min(1, "must be an expression in CEL, such as event.data.level > 3")
  .max(MAX_EXPRESSION_LENGTH, `must be at most ${MAX_EXPRESSION_LENGTH} characters`);
const pattern = readable("an event: ui.notify@1, ui.notify or ui.", parseEventPattern);
const ref = readable("an event: ui.notify@1 or ui.notify", parseEventRef);
const name = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,62}$/, "must be 1 to 63 of a-z 0-9 _, and begin with a letter");
const token = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "must be 1 to 63 of a-z 0-9 -, and begin with no -");
const least = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  context.addIssue("must be like 30s, 15m, 2h or 7d, and not zero");
  return z.NEVER;
});

const eventTrigger = strict({
  id: token.optional(),
  event: pattern,
  when: cel.optional(),
  for: least.optional(),
  endedBy: strict({ event: pattern, when: cel.optional() }).optional(),
})
  .refine(({ endedBy, for: held }) => endedBy === undefined || held !== undefined, {
    message: "endedBy needs for: it ends the state that has to hold",
  })
  .refine((one) => one.for === undefined || one.when !== undefined || one.endedBy !== undefined, {
    message: "for needs when or endedBy: else the state never ends",
  });

const timerTrigger = strict({
  id: token.optional(),
  cron: z.string().max(500).optional(),
  every: least.optional(),
  at: z.string().max(40).optional(),
  zone: z.string().max(100).default("UTC"),
  jitter: duration.optional(),
  catchUp: z.enum(TIMER_CATCH_UPS).default("once"),
  within: duration.optional(),
  until: z.string().max(40).optional(),
  times: z.number().int().min(1).max(1_000_000_000).optional(),
}).refine(({ cron, every, at }) => [cron, every, at].filter((one) => one !== undefined).length === 1, {
  message: "needs exactly one of cron, every and at",
});

const TRIGGERS = { event: eventTrigger, cron: timerTrigger, every: timerTrigger, at: timerTrigger };
const trigger = oneOf<TriggerDefinition>("a trigger", () => TRIGGERS);

const effects: z.ZodType<EffectDefinition[]> = z.lazy(() =>
  z
    .array(
      oneOf<EffectDefinition>("an effect", () => EFFECTS),
      "must be a list of effects",
    )
    .max(MAX_ITEMS, `must be at most ${MAX_ITEMS} effects`),
);
const onError = z
  .union([z.literal("continue"), effects], "must be continue, or a list of effects")
  .optional();
const timeout = least.describe("how long");

const EFFECTS: Readonly<Record<EffectVerb, z.ZodType>> = {
  publish: strict({ publish: ref, data: z.unknown().optional(), onError }),
  request: strict({
    request: ref,
    data: z.unknown().optional(),
    as: name.optional(),
    timeout: timeout.default(30_000),
    onError,
  }),
  delay: strict({
    delay: z.union(
      [
        z
          .string()
          .max(MAX_EXPRESSION_LENGTH)
          .refine((text) => text.includes("${"), DELAY_RULE),
        least,
      ],
      DELAY_RULE,
    ),
    onError,
  }),
  wait: strict({ wait: pattern, when: cel.optional(), as: name.optional(), timeout, onError }),
  choose: strict({
    choose: z
      .array(strict({ when: cel, effects }))
      .min(1)
      .max(MAX_ITEMS),
    otherwise: effects.optional(),
    onError,
  }),
  parallel: strict({
    parallel: z.array(effects, "must be a list of lists of effects").min(1).max(MAX_ITEMS),
    onError,
  }),
  repeat: strict({
    repeat: effects,
    times: z.number().int().min(0).max(10_000).optional(),
    while: cel.optional(),
    until: cel.optional(),
    limit: z.number().int().min(1).max(10_000).default(100),
    onError,
  }).refine(
    (one) => [one.times, one.while, one.until].filter((given) => given !== undefined).length === 1,
    "needs exactly one of times, while and until",
  ),
  stop: strict({ stop: z.string().max(MAX_EXPRESSION_LENGTH), failed: z.boolean().default(false) }),
};

/** A map whose form depends on the one key that it must have, so that errors are about that form alone. */
function oneOf<T>(what: string, forms: () => Readonly<Record<string, z.ZodType>>): z.ZodType<T> {
  return z.unknown().transform((value, context): T => {
    const known = Object.keys(forms());
    const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
    const keys = isMap ? Object.keys(value) : [];
    const [verb, second] = known.filter((key) => keys.includes(key));
    if (verb === undefined || second !== undefined) {
      const found = second === undefined ? "" : `, not both ${verb} and ${second}`;
      const meant = keys.map((key) => [key, meantKey(key, known)]).find(([, near]) => near !== undefined);
      const hint =
        meant === undefined || second !== undefined ? "" : `; did you mean ${meant[1]} by ${meant[0]}?`;
      context.addIssue(`${what} must be a map with one of ${known.join(", ")}${found}${hint}`);
      return z.NEVER;
    }
    const checked = forms()[verb]?.safeParse(value);
    if (checked?.success === true) return checked.data as T;
    for (const issue of checked?.error.issues ?? [])
      context.issues.push({ ...issue, input: value } as z.core.$ZodRawIssue);
    return z.NEVER;
  });
}

/** The form of a `scenario.yaml`. */
export const scenarioForm: z.ZodType<ScenarioDefinition> = strict({
  name: token.optional(),
  description: z.string().max(2000).optional(),
  mode: z.enum(SCENARIO_MODES).default("single"),
  key: cel.optional(),
  max: z.number().int().min(1).max(100).default(10),
  overflow: z.enum(OVERFLOWS).default("drop-new"),
  debounce: least.optional(),
  cooldown: least.optional(),
  shadow: z.boolean().default(false),
  triggers: z.array(trigger, "must be a list of triggers").max(MAX_ITEMS).default([]),
  conditions: z.array(cel, "must be a list of expressions in CEL").max(MAX_ITEMS).default([]),
  effects: effects.refine((list) => list.length > 0, "must have an effect"),
  onError: effects.default([]),
}).superRefine(({ triggers }, context) => {
  const ids = triggers.map(({ id }) => id);
  for (const [i, id] of ids.entries()) {
    if (id !== undefined && ids.indexOf(id) < i)
      context.addIssue({
        code: "custom",
        path: ["triggers", i, "id"],
        message: `the id ${quote(id)} is another trigger's`,
      });
  }
});
