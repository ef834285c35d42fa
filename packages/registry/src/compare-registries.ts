import { formatEventRef } from "@adaos/core";
import type { JsonObject } from "@adaos/json-schema";
import { type Gap, lead, readingGaps, type SchemaScope, sameSchema } from "@adaos/json-schema";
import type { FileRegistry } from "./file-registry.ts";
import { compareRecords, type EventRecord } from "./record.ts";

/** The compared parts of an event. */
export interface ReleasedEvent {
  readonly record: Pick<EventRecord, "name" | "version" | "kind" | "status" | "required_headers"> & {
    /** @default "at-least-once" */
    readonly delivery?: "at-most-once";
  };
  readonly schema: SchemaScope;
  /** `x-version`: "1.2.0". */
  readonly schemaVersion: string | undefined;
}

/** The changes of one event in one major version. */
export interface EventChange {
  /** `name@major`. */
  readonly event: string;
  readonly change: "added" | "removed" | "changed";
  /** Data by the old contract that a reader of the new one may refuse. */
  readonly backward: readonly Gap[];
  /** Data by the new contract that a reader of the old one may refuse. */
  readonly forward: readonly Gap[];
  /** Changes that break nobody, but that people should know. */
  readonly notes: readonly string[];
}

export function isBreaking({ backward, forward }: EventChange): boolean {
  return backward.length + forward.length > 0;
}

/** The events of a registry in comparable form, by name and version. */
export function releasedEvents(registry: FileRegistry): ReleasedEvent[] {
  return registry.records
    .toSorted(compareRecords)
    .map(({ name, version }) => releasedEvent(registry, name, version));
}

/** One event of the registry. Throws `unknown-event`. */
export function releasedEvent(registry: FileRegistry, name: string, version: number): ReleasedEvent {
  const schema = registry.scopeOf(name, version);
  const declared = registry.recordOf(name, version);
  const { delivery } = declared.semantics;
  const record = delivery === "at-most-once" ? { ...declared, delivery } : declared;
  return { record, schema, schemaVersion: schemaVersionOf(schema.root) };
}

/**
 * Compares two registries event by event, and omits equal events. It assumes that publishers send only declared
 * fields, and readers ignore undeclared ones: a new optional field breaks nobody. Pure.
 */
export function compareRegistries(
  older: readonly ReleasedEvent[],
  newer: readonly ReleasedEvent[],
): EventChange[] {
  const before = byRef(older);
  const after = byRef(newer);
  const changes: EventChange[] = [];
  for (const event of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const [was, is] = [before.get(event), after.get(event)];
    if (was === undefined) changes.push({ event, change: "added", backward: [], forward: [], notes: [] });
    else if (is === undefined) changes.push(removed(event, was));
    else changes.push(...changed(event, was, is));
  }
  return changes;
}

/** `x-version` of a schema. */
export function schemaVersionOf(schema: JsonObject): string | undefined {
  const version = schema["x-version"];
  return typeof version === "string" ? version : undefined;
}

/** By `name@major`. */
export function byRef(events: readonly ReleasedEvent[]): ReadonlyMap<string, ReleasedEvent> {
  return new Map(events.map((event) => [formatEventRef(event.record.name, event.record.version), event]));
}

function removed(event: string, { record }: ReleasedEvent): EventChange {
  const gaps = record.status === "draft" ? [] : [{ pointer: "", told: "is no longer declared" }];
  return { event, change: "removed", backward: gaps, forward: [], notes: [] };
}

function changed(event: string, was: ReleasedEvent, is: ReleasedEvent): EventChange[] {
  const backward = [...readingGaps(was.schema, is.schema), ...headerGaps(is, was)];
  const forward = [...readingGaps(is.schema, was.schema), ...headerGaps(was, is)];
  const notes: string[] = [];
  if (was.record.kind !== is.record.kind) {
    const told = `is of kind ${is.record.kind} now, and was ${was.record.kind}`;
    backward.push({ pointer: "", told });
    forward.push({ pointer: "", told });
  }
  if (was.record.delivery !== is.record.delivery) {
    const isLost = is.record.delivery === "at-most-once";
    if (isLost) backward.push({ pointer: "", told: "may be lost now (at-most-once), and was not" });
    else notes.push("delivery at-least-once, was at-most-once");
  }
  if (was.record.status !== is.record.status)
    notes.push(`status ${is.record.status}, was ${was.record.status}`);
  const same = sameSchema(lead(was.schema), lead(is.schema));
  if (was.schemaVersion !== is.schemaVersion)
    notes.push(`x-version ${is.schemaVersion ?? "none"}, was ${was.schemaVersion ?? "none"}`);
  else if (!same) notes.push(`the schema has changed and x-version is still ${is.schemaVersion ?? "none"}`);
  if (same && notes.length + backward.length + forward.length === 0) return [];
  return [{ event, change: "changed", backward, forward, notes }];
}

/** Whether a schema has changed without a new version. */
export function isUnraised(was: ReleasedEvent, is: ReleasedEvent): boolean {
  return was.schemaVersion === is.schemaVersion && !sameSchema(lead(was.schema), lead(is.schema));
}

/** Headers that the reader's contract requires and the writer's does not. */
function headerGaps(reader: ReleasedEvent, writer: ReleasedEvent): Gap[] {
  return reader.record.required_headers
    .filter((header) => !writer.record.required_headers.includes(header))
    .map((header) => ({ pointer: `/headers/${header}`, told: "is required, and may be absent" }));
}
