import { formatEventRef, MeshError, parseEventRef } from "@adaos/core";
import { quote, visibleJson } from "@adaos/core/wire";
import { askPolicy, hopAsJson, type LoadedPolicy, passes, placeOfAnswer, unknownEvent } from "@adaos/policy";
import type { EventRecord, FileRegistry } from "@adaos/registry";
import { checkItem, looksLikeEnvelope } from "@adaos/registry-tools";
import { z } from "zod";
import { eventDocs, recordOf } from "./resources.ts";

/** Inputs of the tools. Each call reads the current state on disk. */
export interface Sources {
  registry(): Promise<FileRegistry>;
  policy(): Promise<LoadedPolicy>;
}

/** A tool answers a question and changes nothing. */
export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly input: z.ZodObject;
  /** Rejects with a MeshError if the question cannot be answered. */
  answer(args: unknown, sources: Sources): Promise<string>;
}

/** Far beyond the depth of an event, and harmless to recursive readers. */
const MAX_DEPTH = 200;
const MAX_WORDS = 10;

const event = z.string().max(250).describe("ui.notify@1, or ui.notify for the newest version");
const who = z.string().max(200);

export const TOOLS: readonly Tool[] = [
  toolOf({
    name: "search_events",
    description: "Finds events by words of their names, summaries, and of who publishes or handles them.",
    input: z.strictObject({
      query: z.string().max(200).default("").describe("words; all events where empty"),
      kind: z.enum(["event", "command", "reply"]).optional(),
      domain: z.string().max(200).optional().describe("first word of the names"),
      limit: z.int().min(1).max(50).default(20),
    }),
    answer: async ({ query, kind, domain, limit }, sources) => {
      const { records } = await sources.registry();
      const words = wordsOf(query).slice(0, MAX_WORDS);
      const found = records
        .filter((record) => kind === undefined || record.kind === kind)
        .filter((record) => domain === undefined || record.name.startsWith(`${domain}.`))
        .map((record) => ({ record, score: scoreOf(record, words) }))
        .filter(({ score }) => words.length === 0 || score > 0)
        .toSorted((a, b) => b.score - a.score);
      const events = found.slice(0, limit).map(({ record: { name, version, kind, status, summary } }) => {
        return { event: formatEventRef(name, version), kind, status, summary };
      });
      return visibleJson({ found: found.length, events });
    },
  }),
  toolOf({
    name: "describe_event",
    description:
      "Tells all of one event: meaning, schema, valid and invalid examples, and TypeScript that uses it.",
    input: z.strictObject({ event }),
    answer: async (asked, sources) => {
      const registry = await sources.registry();
      const { name, version } = parseEventRef(asked.event);
      return eventDocs(registry, recordOf(registry, name, version));
    },
  }),
  toolOf({
    name: "validate_event",
    description:
      "Judges data, or a whole envelope (event_name and data), as publisher and consumer would: a JSON pointer and what is expected there for each problem.",
    input: z.strictObject({
      event: event.optional().describe("of data: what event it is, ui.notify@1; of an envelope not needed"),
      value: z.unknown().describe("the data, or the envelope: a JSON value, not a text of it"),
    }),
    answer: async ({ event: named, value }, sources) => {
      if (value === undefined)
        throw new MeshError("usage", "value is missing; give the data or the envelope");
      const asked = named === undefined ? undefined : parseEventRef(named);
      if (asked === undefined && !looksLikeEnvelope(value))
        throw new MeshError("usage", "value is no envelope (event_name, data); name the event of the data");
      const item = { line: 1, column: 1, text: JSON.stringify(value) };
      const { ok, as, event, problems } = checkItem(item, await sources.registry(), asked);
      const told = problems.map(({ pointer, expected }) => ({ pointer, expected }));
      return visibleJson({ valid: ok, as, event, problems: told });
    },
  }),
  toolOf({
    name: "explain_policy",
    description:
      "May this pass? Every question that an event is asked on its way, with the answer and the rule of the mesh file that gives it.",
    input: z.strictObject({
      verb: z.enum(["publish", "subscribe", "export", "import"]),
      event: z.string().max(250).describe("ui.notify, ui.notify@1; with subscribe a pattern (ui. or *), too"),
      as: who.describe("subnet/member; with export and import a subnet"),
      to: who.optional().describe("with publish: as far as this member's handler (subnet/member)"),
      from: who.optional().describe("with import: the subnet in which the event was published"),
    }),
    answer: async (asked, sources) => {
      const loaded = await sources.policy();
      const hops = askPolicy(loaded, asked);
      return visibleJson({
        allowed: passes(hops),
        known: unknownEvent(loaded, asked) === undefined,
        hops: hops.map((hop) => hopAsJson(hop, placeOfAnswer(loaded, hop))),
      });
    },
  }),
];

/** A tool whose arguments are checked before the call. */
function toolOf<Input extends z.ZodObject>(tool: {
  readonly name: string;
  readonly description: string;
  readonly input: Input;
  answer(args: z.infer<Input>, sources: Sources): Promise<string>;
}): Tool {
  return {
    ...tool,
    answer: async (args, sources) => {
      assertShallow(args);
      const checked = tool.input.safeParse(args);
      if (checked.success) return tool.answer(checked.data, sources);
      const [issue] = checked.error.issues;
      const at = (issue?.path ?? []).map(String).join(".");
      throw new MeshError(
        "usage",
        `${tool.name}: ${at === "" ? "" : `${quote(at)}: `}${issue?.message.slice(0, 200)}`,
      );
    },
  };
}

/** Throws `usage`. Not recursive, since the value may be deeper than the stack. */
function assertShallow(value: unknown): void {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) throw new MeshError("usage", `arguments nest deeper than ${MAX_DEPTH}`);
    level = level.flatMap((one) => (typeof one === "object" && one !== null ? Object.values(one) : []));
  }
}

/** Words match the beginnings of words; matches in the name count most. */
function scoreOf({ name, summary, producers, consumers }: EventRecord, words: readonly string[]): number {
  const named = wordsOf(name);
  const said = wordsOf([summary, ...producers, ...consumers].join(" "));
  const has = (among: readonly string[], word: string): boolean => among.some((one) => one.startsWith(word));
  return words.reduce((sum, word) => sum + (has(named, word) ? 3 : 0) + (has(said, word) ? 1 : 0), 0);
}

function wordsOf(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
}
