import { z } from "zod";
import type { ConsumerText } from "../snapshot/archive-head.ts";
import {
  type SnapshotConfig,
  type SnapshotState,
  snapshotConfigSchema,
  snapshotStateSchema,
} from "../snapshot/snapshot-state.ts";
import { isKeptPath } from "../take/state-plan.ts";

/** Content that is stored once, under its SHA-256. */
export interface Blob {
  readonly sha256: string;
  readonly bytes: number;
}

/** A file, and where it belongs. */
export interface KeptFile extends Blob {
  /** Of the state folder, of the mesh file and what it names, or a secret of the state folder. */
  readonly of: "state" | "mesh" | "secret";
  readonly path: string;
  /** Whether its owner may run it. */
  readonly runs: boolean;
}

export interface KeptStream {
  readonly config: SnapshotConfig;
  readonly state: SnapshotState;
  /** RFC 3339. */
  readonly takenAt: string;
  /** Its consumers, as they stood before any stream was read. */
  readonly consumers: readonly ConsumerText[];
  /** Its content in the server's own words, without its durables. */
  readonly parts: readonly Blob[];
}

/** What a backup holds. */
export interface Manifest {
  readonly mesh: string;
  readonly host: string;
  readonly stateDir: string;
  /** Absent where the folder has joined another machine's mesh. */
  readonly meshFile?: string | undefined;
  readonly joinedTo?: string | undefined;
  /** Subnets of the mesh on other machines. */
  readonly remote: readonly string[];
  /** Selected with --subnet; absent: all of this machine. */
  readonly only?: readonly string[] | undefined;
  /** Servers that did not answer, and files that are named and were left out. */
  readonly missing: readonly string[];
  readonly hasKeys: boolean;
  /** RFC 3339: what was handled before this moment is not handled again. */
  readonly began: string;
  readonly ended: string;
  readonly servers: readonly { readonly of: string; readonly streams: readonly KeptStream[] }[];
  readonly files: readonly KeptFile[];
}

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const bytes = z.number().int().nonnegative();
/** A path within a folder: it leads nowhere else. */
const inside = z.string().min(1).max(4096).refine(isInside, "leads out of its folder");

function isInside(path: string): boolean {
  const isPlain = !path.includes("\0") && !path.includes("\\");
  return isPlain && path.split("/").every((step) => !["", ".", ".."].includes(step));
}

const fileSchema = z.strictObject({
  sha256: digest,
  bytes,
  of: z.enum(["state", "mesh", "secret"]),
  path: inside,
  runs: z.boolean(),
});

const streamSchema = z.strictObject({
  config: snapshotConfigSchema,
  state: snapshotStateSchema,
  takenAt: z.string(),
  consumers: z.array(z.strictObject({ name: z.string().min(1), text: z.string() })),
  parts: z.array(z.strictObject({ sha256: digest, bytes })),
});

export const manifestSchema: z.ZodType<Manifest> = z
  .strictObject({
    mesh: z.string().min(1),
    host: z.string(),
    stateDir: z.string(),
    meshFile: inside.optional(),
    joinedTo: z.string().optional(),
    remote: z.array(z.string()),
    only: z.array(z.string()).optional(),
    missing: z.array(z.string()),
    hasKeys: z.boolean(),
    began: z.string(),
    ended: z.string(),
    servers: z.array(
      z.strictObject({ of: z.string().regex(/^[a-z0-9-]{1,64}$/), streams: z.array(streamSchema) }),
    ),
    files: z.array(fileSchema),
  })
  .refine(
    ({ files, joinedTo }) =>
      files.every(({ of, path }) => of === "mesh" || isKeptPath(path, of, joinedTo !== undefined)),
    "has a file that no backup has",
  );

/** Every blob that a backup needs, as often as it is named. Pure. */
export function blobsOf({ files, servers }: Manifest): readonly Blob[] {
  const streams = servers.flatMap((server) => server.streams);
  return [...files, ...streams.flatMap((stream) => stream.parts)];
}
