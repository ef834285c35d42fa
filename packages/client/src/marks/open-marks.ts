import type { LoadedNode, MemberFile } from "@adaos/config";
import { type Logger, type Marks, MeshError } from "@adaos/core";
import type { MarksPlace } from "@adaos/core/wire";
import { type Connection, NatsMarks } from "@adaos/transport-nats";
import { MemberMarks } from "./member-marks.ts";

/** A member's two stores of marks. */
export interface OpenedMarks {
  /** Throws `usage` when this machine has no folder for them. */
  at(place: MarksPlace | undefined): Marks;
  close(): Promise<void>;
}

/** Opens no file before its first use. */
export function openMarks(
  { config, path }: LoadedNode<MemberFile>,
  dialing: Promise<Connection>,
  log: Logger,
): OpenedMarks {
  const { subnet, node, idempotency } = config;
  const { dir, maxAgeHours } = idempotency;
  const ofHub = dialing.then((connection) => new NatsMarks(connection, { subnet, node }));
  ofHub.catch(() => undefined);
  const hub: Marks = {
    has: async (durable, key) => (await ofHub).has(durable, key),
    mark: async (durable, key) => (await ofHub).mark(durable, key),
  };
  const own =
    dir === undefined
      ? undefined
      : new MemberMarks({ dir: path(dir), maxAgeMs: maxAgeHours * 3_600_000, log });
  return {
    at: (place = idempotency.place) => {
      if (place === "hub") return hub;
      if (own !== undefined) return own;
      throw new MeshError(
        "usage",
        `the node file of ${subnet}/${node} names no folder for marks (idempotency.dir)`,
      );
    },
    close: async () => own?.close(),
  };
}
