import type { SchemaField } from "./schema-fields.ts";

/** A difference between the fields of two versions of an event. */
export interface FieldChange {
  readonly path: string;
  readonly change: "added" | "removed" | "changed";
  /** What is different, in words: `string → integer`, `is required now`. */
  readonly what: readonly string[];
}

/** The fields that a newer version has, lacks, or has otherwise. Pure. */
export function fieldChanges(older: readonly SchemaField[], newer: readonly SchemaField[]): FieldChange[] {
  const keyOf = ({ path, choice }: SchemaField): string => JSON.stringify([path, choice]);
  const before = new Map(older.map((field) => [keyOf(field), field]));
  const after = new Map(newer.map((field) => [keyOf(field), field]));
  const changes: FieldChange[] = [];
  for (const [key, field] of after) {
    const was = before.get(key);
    if (was === undefined)
      changes.push({
        path: field.path,
        change: "added",
        what: [field.type, ...(field.required ? ["required"] : [])],
      });
    else {
      const what = differences(was, field);
      if (what.length > 0) changes.push({ path: field.path, change: "changed", what });
    }
  }
  for (const [key, { path, type }] of before)
    if (!after.has(key)) changes.push({ path, change: "removed", what: [type] });
  return changes;
}

function differences(was: SchemaField, is: SchemaField): string[] {
  const [lost, gained] = [
    was.constraints.filter((one) => !is.constraints.includes(one)),
    is.constraints.filter((one) => !was.constraints.includes(one)),
  ];
  return [
    ...(was.type === is.type ? [] : [`${was.type} → ${is.type}`]),
    ...(was.required === is.required ? [] : [is.required ? "is required now" : "is optional now"]),
    ...(was.classification === is.classification
      ? []
      : [`classified ${was.classification ?? "not at all"} → ${is.classification ?? "not at all"}`]),
    ...lost.map((one) => `no longer: ${one}`),
    ...gained.map((one) => `now: ${one}`),
    ...(was.deprecated || !is.deprecated ? [] : ["is deprecated now"]),
  ];
}
