import { formatEventRef } from "@adaos/core";
import { replyName } from "@adaos/core/wire";
import type { LoadedPolicy } from "@adaos/policy";
import type { EventRecord, FileRegistry } from "@adaos/registry";
import { compareRecords } from "@adaos/registry";
import { type EventExample, readExamples } from "../schema-docs/read-examples.ts";
import { eventKey, RegistrySchemas } from "../schema-docs/registry-schemas.ts";
import type { SchemaField } from "../schema-docs/schema-fields.ts";
import { type SubnetRights, subnetRights } from "./subnet-rights.ts";

/** An event in one version, with all contents of its page. */
export interface EventDoc {
  /** `ui.notify.v1`: the name of its file without ending. */
  readonly key: string;
  /** `ui.notify@1`. */
  readonly ref: string;
  readonly record: EventRecord;
  /** `x-version`; undefined where the schema has none. */
  readonly schemaVersion: string | undefined;
  readonly description: string;
  /** As the registry has it. */
  readonly schema: Readonly<Record<string, unknown>>;
  readonly fields: readonly SchemaField[];
  readonly examples: readonly EventExample[];
  /** Undefined without a mesh, and for replies, which need no rule. */
  readonly rights: readonly SubnetRights[] | undefined;
}

/** The events of a registry by name and version, for documents. */
export interface EventDocs {
  /** ` of the mesh demo`; empty without a mesh. */
  readonly ofMesh: string;
  readonly registryDir: string;
  readonly schemas: RegistrySchemas;
  readonly events: readonly EventDoc[];
  /** By name, the newest first. */
  readonly versions: ReadonlyMap<string, readonly EventDoc[]>;
}

/** Reads the events of a registry with their examples. Rejects with `invalid-config`. */
export async function describeEvents(
  registry: FileRegistry,
  loaded: LoadedPolicy | undefined,
): Promise<EventDocs> {
  const schemas = new RegistrySchemas(registry);
  const events: EventDoc[] = [];
  for (const record of registry.records.toSorted(compareRecords)) {
    const { name, version, kind } = record;
    const schema = registry.schemaOf(name, version);
    const schemaVersion = schema["x-version"];
    events.push({
      key: eventKey(record),
      ref: formatEventRef(name, version),
      record,
      schemaVersion: typeof schemaVersion === "string" ? schemaVersion : undefined,
      description: typeof schema["description"] === "string" ? schema["description"] : "",
      schema,
      fields: schemas.fieldsOf(record),
      examples: await readExamples(registry, record),
      rights: loaded === undefined || kind === "reply" ? undefined : subnetRights(loaded, { name, version }),
    });
  }
  const ofMesh = loaded === undefined ? "" : ` of the mesh ${loaded.meshFile.mesh.name}`;
  const versions = new Map<string, EventDoc[]>();
  for (const doc of events.toReversed())
    versions.set(doc.record.name, [...(versions.get(doc.record.name) ?? []), doc]);
  return { ofMesh, registryDir: registry.dir, schemas, events, versions };
}

/** Every version of an event, the newest first. */
export function versionsOf({ versions }: EventDocs, name: string): readonly EventDoc[] {
  return versions.get(name) ?? [];
}

/** The event that answers a command. */
export function replyOf(docs: EventDocs, { record }: EventDoc): EventDoc | undefined {
  if (record.kind !== "command") return undefined;
  return versionsOf(docs, replyName(record.name)).find((other) => other.record.version === record.version);
}

/** The command that a reply answers. */
export function commandOf(docs: EventDocs, { record }: EventDoc): EventDoc | undefined {
  const ending = replyName("");
  if (record.kind !== "reply" || !record.name.endsWith(ending)) return undefined;
  return versionsOf(docs, record.name.slice(0, -ending.length)).find(({ record: other }) => {
    return other.version === record.version && other.kind === "command";
  });
}

/** The replacement of a deprecated event: its newest stable version. */
export function successorOf(docs: EventDocs, { record }: EventDoc): EventDoc | undefined {
  return versionsOf(docs, record.name).find((other) => other.record.status === "stable");
}
