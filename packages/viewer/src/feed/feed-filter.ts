import { type Envelope, patternMatches } from "@adaos/core";
import type { EventAddress } from "@adaos/core/wire";
import type { FeedQuery, FieldFilter } from "./feed-query.ts";

/** An event as its reader may see it, and the same as text in lower case. */
export interface ShownEvent {
  readonly envelope: Envelope;
  readonly lowerText: string;
}

/** Decides which events a reader is sent. The cheap half looks at the subject, without a byte of the event. */
export class FeedFilter {
  readonly #query: FeedQuery;
  /** Whether more than the subject decides. */
  readonly readsEvents: boolean;

  constructor(query: FeedQuery) {
    this.#query = query;
    const { tenant, correlation, text, fields } = query;
    this.readsEvents =
      tenant !== undefined || correlation !== undefined || text !== undefined || fields.length > 0;
  }

  /** @param address Of the subject; undefined where a writer has kept no rule. */
  takesSubject(at: string, address: EventAddress | undefined): boolean {
    const { patterns, origin, leavesOutCopies, places } = this.#query;
    // Bytes that are no event belong to no pattern and to no origin: they are told to readers of everything.
    if (address === undefined) return patterns.length === 0 && origin === undefined;
    const { subnet, node, name, version } = address;
    if (leavesOutCopies && subnet !== at && places.includes(subnet)) return false;
    if (origin !== undefined && (origin.subnet !== subnet || (origin.node ?? node) !== node)) return false;
    return patterns.length === 0 || patterns.some((pattern) => patternMatches(pattern, name, version));
  }

  takesEvent(shown: ShownEvent): boolean {
    const { tenant, correlation, text, fields } = this.#query;
    const { envelope } = shown;
    if (tenant !== undefined && envelope.tenant !== tenant) return false;
    if (correlation !== undefined && envelope.correlation_id !== correlation) return false;
    if (text !== undefined && !shown.lowerText.includes(text)) return false;
    return fields.every((field) => hasValue(envelope, field));
  }
}

/** Whether the value at a path is this text, number or word of JSON. Own properties alone. Pure. */
export function hasValue(envelope: Envelope, { path, value }: FieldFilter): boolean {
  let found: unknown = envelope;
  for (const key of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return false;
    found = (found as Readonly<Record<string, unknown>>)[key];
  }
  return typeof found === "string" ? found === value : JSON.stringify(found) === value;
}
