import { type Place, parseYaml, readYamlTree, schemaProblems, type YamlProblem } from "@adaos/config";
import type { EventKind } from "@adaos/core";
import { eventNameProblem, quote } from "@adaos/core/wire";
import { z } from "zod";

/** A `draft` is found only with its version; `deprecated` still works. */
export type EventStatus = "draft" | "stable" | "deprecated";

export interface EventSemantics {
  /** `at-most-once`: within a subnet requests of this command, and their replies, are stored nowhere. */
  readonly delivery: "at-least-once" | "at-most-once";
  /** The field that tells a repetition from a new event: a field of the envelope or the header of that name. */
  readonly idempotency_key: "event_id" | "idempotency_key";
}

/** One event in one major version, as `registry.yaml` declares it. Field names are the file's. */
export interface EventRecord {
  readonly name: string;
  /** Major version; minor and patch are in the schema's `x-version`. */
  readonly version: number;
  readonly kind: EventKind;
  readonly summary: string;
  readonly status: EventStatus;
  /** Components that publish it, `*` for any token: `skill.nlp`, `scenario.*`. */
  readonly producers: readonly string[];
  readonly consumers: readonly string[];
  /** JSON Schema of the data; a path below the registry folder, as are the examples. */
  readonly schema: string;
  /** JSON files with valid data. */
  readonly examples: readonly string[];
  /** JSON files with wrong data and its error; see `InvalidExample`. */
  readonly invalid_examples: readonly string[];
  /** Looked up in the envelope first, then in its headers. */
  readonly required_headers: readonly string[];
  readonly semantics: EventSemantics;
  /** The reason why its name may break the naming rules. */
  readonly naming_exception?: string | undefined;
}

/** By name, then version. Code points, not a locale: the order must be the same on every machine. */
export function compareRecords(a: EventRecord, b: EventRecord): number {
  if (a.name === b.name) return a.version - b.version;
  return a.name < b.name ? -1 : 1;
}

/** A record and its place. */
export interface ParsedRecord {
  readonly record: EventRecord;
  /** `<file>:<line>:<column>` of a field, or of the record where the field is absent. */
  at(field: keyof EventRecord): string;
}

interface RawIssue {
  readonly code?: string;
  readonly input?: unknown;
  readonly keys?: readonly string[];
}

/** Says what to write, for every error of zod. */
function must(rule: string): { error: (issue: RawIssue) => string } {
  return {
    error: ({ code, input, keys }) => {
      const unknown = code === "unrecognized_keys" ? keys?.[0] : undefined;
      if (unknown !== undefined) return `has no field ${quote(unknown)}; remove it or correct its spelling`;
      return input === undefined ? `is missing, it must be ${rule}` : `must be ${rule}`;
    },
  };
}

const PATH = /^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;
const PATH_RULE = 'a path inside the registry folder, for example "ui/notify/v1/schema.json"';
const COMPONENT = /^(\*|[a-z0-9][a-z0-9_-]*)(\.(\*|[a-z0-9][a-z0-9_-]*))*$/;
const VERSION_RULE = must("an integer from 1 to 9999");

const path = z.string(must(PATH_RULE)).max(300, must(PATH_RULE)).regex(PATH, must(PATH_RULE));
const component = z
  .string(must("a component"))
  .max(128, must("at most 128 characters"))
  .regex(COMPONENT, must('lower-case tokens or * joined by dots, for example "skill.nlp" or "scenario.*"'));
const header = z
  .string(must("the name of a header"))
  .regex(/^[a-z][a-z0-9_-]{0,63}$/, must("the lower-case name of an envelope field or header"));

function listOf<T extends z.ZodType>(item: T, what: string): z.ZodPrefault<z.ZodArray<T>> {
  return z
    .array(item, must(`a list of ${what}`))
    .max(100, must(`at most 100 ${what}`))
    .prefault([]);
}

const recordSchema: z.ZodType<EventRecord> = z
  .strictObject(
    {
      name: z.string(must("an event name")).superRefine((name, context) => {
        const problem = eventNameProblem(name);
        if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
      }),
      version: z.int(VERSION_RULE).min(1, VERSION_RULE).max(9999, VERSION_RULE),
      kind: z.enum(["event", "command", "reply"], must("event, command or reply")),
      summary: z
        .string(must("one sentence"))
        .min(1, must("one sentence"))
        .max(300, must("at most 300 characters")),
      status: z.enum(["draft", "stable", "deprecated"], must("draft, stable or deprecated")),
      producers: listOf(component, "components"),
      consumers: listOf(component, "components"),
      schema: path,
      examples: listOf(path, "paths"),
      invalid_examples: listOf(path, "paths"),
      required_headers: listOf(header, "headers"),
      semantics: z
        .strictObject(
          {
            delivery: z
              .enum(["at-least-once", "at-most-once"], must("at-least-once or at-most-once"))
              .default("at-least-once"),
            idempotency_key: z
              .enum(["event_id", "idempotency_key"], must("event_id or idempotency_key"))
              .default("event_id"),
          },
          must("a map of delivery and idempotency_key"),
        )
        .prefault({}),
      naming_exception: z
        .string(must("one sentence that says why the name is right"))
        .min(1, must("one sentence that says why the name is right"))
        .max(300, must("at most 300 characters"))
        .optional(),
    },
    must("a map with the fields of one event"),
  )
  .superRefine((record, context) => {
    const why = record.semantics.delivery === "at-most-once" ? whyNotLost(record) : undefined;
    if (why === undefined) return;
    const message = `must be at-least-once: ${why}`;
    context.addIssue({ code: "custom", path: ["semantics", "delivery"], message });
  });

/** The reason why an event must not be lost; undefined where it may be. */
function whyNotLost({ kind, semantics, required_headers }: EventRecord): string | undefined {
  if (kind !== "command")
    return `only a command may be lost, since who asks is told; this is of kind ${kind}`;
  const isKeyed =
    semantics.idempotency_key === "idempotency_key" || required_headers.includes("idempotency_key");
  return isKeyed
    ? "an effect that has an idempotency_key is repeated until it has happened, and its handler must not be lost"
    : undefined;
}

/** More events than any one mesh should have; keeps a broken generator from filling the memory. */
const MAX_RECORDS = 10_000;
const fileSchema = listOfEvents(recordSchema);
const listSchema = listOfEvents(z.unknown());

/** An empty file, or one with comments only, is a new registry. */
function listOfEvents<T extends z.ZodType>(item: T): z.ZodType<z.output<T>[]> {
  const list = z
    .array(item, must("a list of events"))
    .max(MAX_RECORDS, must(`at most ${MAX_RECORDS} events`));
  return z.preprocess((value) => value ?? [], list);
}

/**
 * Parses the text of a `registry.yaml`. Pure.
 * @param file The file's name for messages.
 * @throws MeshError `invalid-config` with file, line, column and remedy.
 */
export function parseRecords(text: string, file: string): ParsedRecord[] {
  const { value, placeOf } = parseYaml(text, file, fileSchema);
  return value.map((record, index) => ({ record, at: (field) => placeOf([index, field]) }));
}

/** A record and the places of its values. */
export interface PlacedRecord {
  readonly record: EventRecord;
  placeOf(path: readonly PropertyKey[]): Place;
}

/** A `registry.yaml` as far as it can be read. */
export interface InspectedIndex {
  /** The valid records. */
  readonly records: readonly PlacedRecord[];
  /** The content of the other records. */
  readonly broken: readonly unknown[];
  readonly problems: readonly YamlProblem[];
  /** Whether it is a list of records at all. */
  readonly isList: boolean;
}

/** Reads a `registry.yaml` in spite of its errors. Pure. */
export function inspectRecords(text: string): InspectedIndex {
  const none = { records: [], broken: [], isList: false };
  const { tree, problems: unreadable } = readYamlTree(text);
  if (tree === undefined) return { ...none, problems: unreadable };
  const list = listSchema.safeParse(tree.value);
  if (!list.success) return { ...none, problems: schemaProblems(tree, list.error) };
  const records: PlacedRecord[] = [];
  const broken: unknown[] = [];
  const problems: YamlProblem[] = [];
  for (const [index, value] of list.data.entries()) {
    const checked = recordSchema.safeParse(value);
    if (checked.success) {
      records.push({ record: checked.data, placeOf: (path) => tree.placeOf([index, ...path]) });
    } else {
      broken.push(value);
      problems.push(...schemaProblems(tree, checked.error, [index]));
    }
  }
  return { records, broken, problems, isList: true };
}
