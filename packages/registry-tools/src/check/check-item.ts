import { placeInJson, placeOfSyntaxError } from "@adaos/config";
import {
  checkEnvelope,
  type Envelope,
  type EventContract,
  type EventRef,
  encodeEnvelope,
  formatEventRef,
  MeshError,
  type Violation,
} from "@adaos/core";
import { missingHeader, quote, repeatedKey } from "@adaos/core/wire";
import type { FileRegistry } from "@adaos/registry";
import type { Item } from "./read-items.ts";

/** A problem of an item, and its place. */
export interface ItemProblem extends Violation {
  readonly line: number;
  readonly column: number;
}

/** The result of checking one item. */
export interface ItemVerdict {
  readonly line: number;
  readonly ok: boolean;
  /** How the item was read; `null` where it is not JSON. */
  readonly as: "envelope" | "payload" | null;
  readonly event: string | null;
  readonly problems: readonly ItemProblem[];
}

/**
 * Judges an item as publisher and consumer would, and lists all its problems. Pure.
 * @param asked The event of payloads; of envelopes, the event that they must be.
 */
export function checkItem(item: Item, registry: FileRegistry, asked: EventRef | undefined): ItemVerdict {
  const verdict = (
    as: ItemVerdict["as"],
    event: string | null,
    problems: readonly ItemProblem[],
  ): ItemVerdict => ({ line: item.line, ok: problems.length === 0, as, event, problems });
  const parsed = parse(item);
  if ("problem" in parsed) return verdict(null, null, [parsed.problem]);
  const { value } = parsed;
  const placed = (violations: readonly Violation[]): ItemProblem[] =>
    violations.map((violation) => ({
      ...violation,
      ...placeIn(item, placeInJson(item.text, violation.pointer)),
    }));
  if (looksLikeEnvelope(value)) {
    const event = nameOf(value);
    return verdict("envelope", event, placed(violationsOf(() => envelopeViolations(value, registry, asked))));
  }
  if (asked === undefined) {
    const expected = "is no envelope (event_name, data); name the event of payloads with --event";
    return verdict("payload", null, placed([{ pointer: "", expected }]));
  }
  let event = asked.version === undefined ? asked.name : formatEventRef(asked.name, asked.version);
  const violations = violationsOf(() => {
    const contract = registry.resolve(asked.name, asked.version);
    event = formatEventRef(contract.name, contract.version);
    return payloadViolations(value, contract, registry);
  });
  return verdict("payload", event, placed(violations));
}

function parse({ line, column, text, problem }: Item): { value: unknown } | { problem: ItemProblem } {
  const fail = (expected: string, at = { line, column }): { problem: ItemProblem } => {
    return { problem: { pointer: "", expected, ...at } };
  };
  if (problem !== undefined) return fail(problem);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes the data, which may be classified; the place suffices.
    const at = placeIn({ line, column }, placeOfSyntaxError(text));
    return fail("is not JSON: look here for a missing quote, comma or bracket", at);
  }
  const repeated = repeatedKey(text);
  return repeated === undefined ? { value } : fail(`has the key ${quote(repeated)} twice; remove one`);
}

/** A payload may have any fields; only an envelope has these two together. */
export function looksLikeEnvelope(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.hasOwn(value, "event_name") &&
    Object.hasOwn(value, "data")
  );
}

function nameOf({ event_name: name, version }: Record<string, unknown>): string | null {
  return typeof name === "string" && typeof version === "number"
    ? formatEventRef(name.slice(0, 200), version)
    : null;
}

function envelopeViolations(
  value: Record<string, unknown>,
  registry: FileRegistry,
  asked: EventRef | undefined,
): Violation[] {
  const envelope = checkEnvelope(value);
  encodeEnvelope(envelope);
  const { event_name: name, version, kind } = envelope;
  const found: Violation[] = [];
  if (asked !== undefined && (asked.name !== name || (asked.version ?? version) !== version)) {
    found.push({
      pointer: "/event_name",
      expected: `is ${formatEventRef(name, version)}, another event was asked for`,
    });
  }
  const contract = registry.resolve(name, version);
  if (kind !== contract.kind) found.push({ pointer: "/kind", expected: `must be ${contract.kind}` });
  const header = missingHeader(contract, envelope);
  if (header !== undefined) found.push({ pointer: `/headers/${header}`, expected: "is required" });
  const violations = dataViolations(envelope.data, contract, registry);
  return [...found, ...violations.map(({ pointer, expected }) => ({ pointer: `/data${pointer}`, expected }))];
}

function payloadViolations(data: unknown, contract: EventContract, registry: FileRegistry): Violation[] {
  const { name, version, kind } = contract;
  // Problems of JSON or the mesh's limits show only within an envelope.
  const envelope: Envelope = {
    event_id: "EVT-20260101-000000-000000",
    event_name: name,
    version,
    kind,
    ts: "2026-01-01T00:00:00.000Z",
    source: "cli@cli",
    correlation_id: "EVT-20260101-000000-000000",
    tenant: "default",
    headers: {},
    data,
  };
  const carried = violationsOf(() => {
    encodeEnvelope(checkEnvelope(envelope));
    return [];
  });
  return [
    ...carried.map((one) => ({ ...one, pointer: one.pointer.replace(/^\/data/, "") })),
    ...dataViolations(data, contract, registry),
  ];
}

/** A contract judges fast and stops at the first violation; refused data is judged again in full. */
function dataViolations(
  data: unknown,
  { name, version, validate }: EventContract,
  registry: FileRegistry,
): readonly Violation[] {
  const { valid, violations } = validate(data);
  const all = valid ? [] : registry.violationsOf(name, version, data);
  return all.length > 0 ? all : violations;
}

/** The violations that a check returns or throws. */
function violationsOf(check: () => readonly Violation[]): readonly Violation[] {
  try {
    return check();
  } catch (thrown) {
    if (!(thrown instanceof MeshError) || thrown.code === "internal") throw thrown;
    if (thrown.violations.length > 0) return thrown.violations;
    return [{ pointer: thrown.code === "unknown-event" ? "/event_name" : "", expected: thrown.message }];
  }
}

/** The place in the file for a place in the item's text. */
function placeIn(
  item: Pick<Item, "line" | "column">,
  { line, column }: { readonly line: number; readonly column: number },
): { readonly line: number; readonly column: number } {
  return { line: item.line + line - 1, column: line === 1 ? item.column + column - 1 : column };
}
