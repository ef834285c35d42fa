import { MeshError } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";
import type { SchemaScope } from "@adaos/json-schema";
import { type JsonObject, withoutEmptyFragment } from "@adaos/json-schema";
import { byRef, compareRegistries, isUnraised, type ReleasedEvent, schemaVersionOf } from "@adaos/registry";
import { z } from "zod";

/** Beside `registry.yaml`: the released events, for comparison with the current ones. */
export const LOCK_FILE = "registry.lock.json";

const lockSchema = z.strictObject({
  lock: z.literal(1),
  events: z.array(
    z.strictObject({
      name: z.string(),
      version: z.int(),
      kind: z.enum(["event", "command", "reply"]),
      status: z.enum(["draft", "stable", "deprecated"]),
      required_headers: z.array(z.string()),
      delivery: z.literal("at-most-once").exactOptional(),
      schema: z.record(z.string(), z.unknown()),
    }),
  ),
});

/**
 * The text of a lock file: all events but drafts, in full, so that it can be compared without its history. Same
 * events, same text.
 */
export function formatLock(events: readonly ReleasedEvent[]): string {
  const released = events
    .filter(({ record }) => record.status !== "draft")
    .map(({ record, schema }) => ({
      name: record.name,
      version: record.version,
      kind: record.kind,
      status: record.status,
      required_headers: record.required_headers,
      ...(record.delivery === undefined ? {} : { delivery: record.delivery }),
      schema: schema.root,
    }));
  return `${JSON.stringify({ lock: 1, events: released }, undefined, 2)}\n`;
}

/** Reads the text of a lock file. Throws MeshError `invalid-config` naming the file. */
export function parseLock(text: string, file: string): ReleasedEvent[] {
  let lock: z.infer<typeof lockSchema>;
  try {
    lock = lockSchema.parse(JSON.parse(text));
  } catch (cause) {
    const told = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
    throw new MeshError(
      "invalid-config",
      `${file}: not a lock of released events; put back the one of the last release, or write it anew by "adaos events registry release --force": ${told.replaceAll(/\s*\n\s*/g, " ")}`,
      { cause },
    );
  }
  const byUri = new Map<string, JsonObject>();
  for (const { schema } of lock.events)
    if (typeof schema["$id"] === "string") byUri.set(withoutEmptyFragment(schema["$id"]), schema);
  const find = (uri: string): SchemaScope | undefined => {
    const root = byUri.get(uri);
    return root === undefined ? undefined : { root, find };
  };
  return lock.events.map(({ schema, ...record }) => {
    return { record, schema: { root: schema, find }, schemaVersion: schemaVersionOf(schema) };
  });
}

/** A conflict between an event and its release. */
export interface LockFault {
  /** `name@major`. */
  readonly event: string;
  readonly rule: "breaking-change" | "released-removed" | "version-not-raised";
  readonly told: string;
}

/** Reports changes that a released major version forbids, or that need a higher `x-version`. Pure. */
export function lockFaults(
  released: readonly ReleasedEvent[],
  present: readonly ReleasedEvent[],
): LockFault[] {
  const [before, after] = [byRef(released), byRef(present)];
  return compareRegistries(released, present).flatMap((change): LockFault[] => {
    const { event } = change;
    if (change.change === "removed") {
      const told =
        "was released and is no longer declared; deprecate it instead, or release the registry anew";
      return [{ event, rule: "released-removed", told }];
    }
    const [gap] = [...change.backward, ...change.forward];
    if (gap !== undefined) {
      const told = `breaks what was released: ${gap.pointer || "the data"} ${gap.told}; make it a new major version`;
      return [{ event, rule: "breaking-change", told }];
    }
    const [was, is] = [before.get(event), after.get(event)];
    if (was === undefined || is === undefined || !isUnraised(was, is)) return [];
    const told = "differs from what was released under the same x-version; raise it";
    return [{ event, rule: "version-not-raised", told }];
  });
}
