import { createHash } from "node:crypto";
import type { SchemaDocument } from "@adaos/json-schema";
import { canonicalText } from "@adaos/json-schema";
import { compareRecords, type EventRecord } from "./record.ts";

/** What of an entry its meaning is made of. */
interface Hashed {
  readonly record: EventRecord;
  readonly document: Pick<SchemaDocument, "schema">;
}

/**
 * Names what a registry means, sha-256 in hex: its records and schemas, in whatever order, files and layout they are
 * written. What only tells (summaries, examples) and where schemas lie is no part of it. Pure.
 */
export function contentHash(entries: readonly Hashed[]): string {
  const hash = createHash("sha256");
  for (const { record, document } of entries.toSorted((a, b) => compareRecords(a.record, b.record))) {
    const { summary, examples, invalid_examples, naming_exception, schema, ...meant } = record;
    const lists = {
      producers: meant.producers.toSorted(),
      consumers: meant.consumers.toSorted(),
      required_headers: meant.required_headers.toSorted(),
    };
    hash.update(canonicalText({ ...meant, ...lists, schema: document.schema }));
    hash.update("\n");
  }
  return hash.digest("hex");
}

/** Short enough to be read aloud, long enough to tell the registries of one mesh apart. */
export function shortHash(hash: string): string {
  return hash.slice(0, 8);
}
