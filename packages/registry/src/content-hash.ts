import { createHash } from "node:crypto";
import type { SchemaDocument } from "@adaos/json-schema";
import { canonicalText } from "@adaos/json-schema";
import { compareRecords, type EventRecord } from "./record.ts";

/** The parts of an entry that define its meaning. */
interface Hashed {
  readonly record: EventRecord;
  readonly document: Pick<SchemaDocument, "schema">;
}

/**
 * Identifies the meaning of a registry, sha-256 in hex: its records and schemas, independent of order, files and
 * layout. Summaries, examples and paths of schemas do not count. Pure.
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

/** Short enough to read aloud, long enough to tell the registries of one mesh apart. */
export function shortHash(hash: string): string {
  return hash.slice(0, 8);
}
