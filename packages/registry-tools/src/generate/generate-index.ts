import { visibleJson } from "@adaos/core/wire";
import type { FileRegistry } from "@adaos/registry";
import { compareRecords } from "@adaos/registry";

/**
 * The machine index of a registry, for `_dist/registry.json`. It has the records sorted by name and version, each
 * with its schema's `$id`, full version and classified data, and the registry's hash. Paths are relative to the
 * registry folder. Same registry, same text.
 */
export function generateIndex(registry: FileRegistry): string {
  const events = registry.records.toSorted(compareRecords).map((record) => {
    const schema = registry.schemaOf(record.name, record.version);
    return {
      name: record.name,
      version: record.version,
      kind: record.kind,
      summary: record.summary,
      status: record.status,
      producers: record.producers,
      consumers: record.consumers,
      schema: record.schema,
      schema_id: schema["$id"] ?? null,
      schema_version: schema["x-version"] ?? null,
      classified: registry
        .classifiedSpots(record.name, record.version)
        .map(({ pointer, class: is }) => ({ pointer, class: is })),
      examples: record.examples,
      invalid_examples: record.invalid_examples,
      required_headers: record.required_headers,
      semantics: record.semantics,
      naming_exception: record.naming_exception ?? null,
    };
  });
  return `${visibleJson({ hash: registry.hash, events }, 2)}\n`;
}
