import { type CheckedFile, parseDuration, parseYaml, readYamlFile, unknownKeysHint } from "@adaos/config";
import { parseEventRef } from "@adaos/core";
import { messageOf, parseTimeIn } from "@adaos/core/wire";
import { z } from "zod";
import { RUN_OUTCOMES, type RunOutcome, SKIP_CAUSES, type SkipCause } from "../engine/state.ts";

/** Something that happens to the scenario. */
export interface Given {
  readonly at: string;
  readonly event?: string | undefined;
  readonly data?: unknown;
  /** It is run by hand, with these arguments. */
  readonly run?: Readonly<Record<string, unknown>> | undefined;
}

/** What somebody replies to a request of the scenario. */
export interface Reply {
  readonly request: string;
  readonly data?: unknown;
  readonly error?: string | undefined;
  readonly after: number;
}

export interface Expected {
  readonly at?: string | undefined;
  readonly publish?: string | undefined;
  readonly request?: string | undefined;
  /** Fields that the data must have, with these values. */
  readonly data?: unknown;
  readonly nothing?: SkipCause | undefined;
  readonly outcome?: RunOutcome | undefined;
}

export interface ScenarioCase {
  readonly name: string;
  readonly given: readonly Given[];
  readonly replies: readonly Reply[];
  readonly expect: readonly Expected[];
  readonly until?: string | undefined;
}

interface CasesForm {
  readonly start: string;
  readonly zone: string;
  readonly cases: readonly ScenarioCase[];
}

/** A `scenario.test.yaml`, with the places of its cases. */
export interface ScenarioCases {
  readonly startMs: number;
  readonly cases: readonly ScenarioCase[];
  /** Milliseconds since the epoch of `5s` or `2026-01-05T07:00`. */
  timeOf(at: string): number;
  placeOf(path: readonly PropertyKey[]): string;
}

const MAX_ITEMS = 1000;

function strict<T extends z.ZodRawShape>(shape: T): z.ZodObject<T, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys" ? unknownKeysHint(issue.keys, Object.keys(shape)) : undefined,
  });
}

const at = z
  .string("must be a time since the start, such as 5s, or 2026-01-05T07:00")
  .superRefine((text, context) => {
    try {
      if (parseDuration(text) === undefined) parseTimeIn("the time", text, "UTC");
    } catch {
      context.addIssue("must be a time since the start, such as 5s, 15m, 2h or 7d, or like 2026-01-05T07:00");
    }
  });
const ref = z.string("must be an event, such as ui.notify@1").superRefine((text, context) => {
  try {
    parseEventRef(text);
  } catch (thrown) {
    context.addIssue(messageOf(thrown));
  }
});

function exactlyOne<T extends object>(keys: readonly (keyof T)[]): (value: T) => boolean {
  return (value) => keys.filter((key) => value[key] !== undefined).length === 1;
}

const given: z.ZodType<Given> = strict({
  at: at.default("0s"),
  event: ref.optional(),
  data: z.unknown().optional(),
  run: z.record(z.string(), z.unknown()).optional(),
}).refine(exactlyOne<Given>(["event", "run"]), "needs exactly one of event and run");

const reply: z.ZodType<Reply> = strict({
  request: ref,
  data: z.unknown().optional(),
  error: z.string().optional(),
  after: z
    .string()
    .default("0s")
    .transform((text) => parseDuration(text) ?? 0),
}).refine((one) => one.data === undefined || one.error === undefined, "has data or an error, not both");

const expected: z.ZodType<Expected> = strict({
  at: at.optional(),
  publish: ref.optional(),
  request: ref.optional(),
  data: z.unknown().optional(),
  nothing: z.enum(SKIP_CAUSES).optional(),
  outcome: z.enum(RUN_OUTCOMES).optional(),
}).refine(
  exactlyOne<Expected>(["publish", "request", "nothing", "outcome"]),
  "needs exactly one of publish, request, nothing and outcome",
);

const casesForm: z.ZodType<CasesForm> = strict({
  start: at.default("2026-01-01T00:00"),
  zone: z.string().max(100).default("UTC"),
  cases: z
    .array(
      strict({
        name: z.string().min(1).max(200),
        given: z.array(given).max(MAX_ITEMS).default([]),
        replies: z.array(reply).max(MAX_ITEMS).default([]),
        expect: z.array(expected, "must be a list, empty where nothing is expected").max(MAX_ITEMS),
        until: at.optional(),
      }),
    )
    .min(1)
    .max(MAX_ITEMS),
});

/** Reads a `scenario.test.yaml`. Throws `invalid-config` with lines and columns. */
export function readCases(file: string): ScenarioCases {
  return casesOf(readYamlFile(file, casesForm));
}

/** As {@link readCases}, for its text. */
export function parseCases(text: string, file: string): ScenarioCases {
  return casesOf(parseYaml(text, file, casesForm));
}

function casesOf({ value, placeOf }: CheckedFile<CasesForm>): ScenarioCases {
  const { start, zone, cases } = value;
  const startMs = parseTimeIn("start", start, zone);
  const timeOf = (text: string): number => {
    const ms = parseDuration(text);
    return ms === undefined ? parseTimeIn("at", text, zone) : startMs + ms;
  };
  return { startMs, cases, timeOf, placeOf };
}
