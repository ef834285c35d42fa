import { dirname, join } from "node:path";
import { MeshError } from "@adaos/core";
import { MESH_STREAM, ROOT_DOMAIN } from "@adaos/core/wire";
import type { KeptFile, Manifest } from "../file/manifest.ts";

/** Where the files of a backup go. */
export interface RestorePlaces {
  /** The state folder that is being filled. */
  readonly stateDir: string;
  /** For the mesh file and what it names. */
  readonly meshDir: string;
}

/** Each takes its place as a whole. Throws `usage` when one is within the other. Pure. */
export function assertApart(stateDir: string, meshDir: string): void {
  const isWithin = (one: string, other: string): boolean => `${one}/`.startsWith(`${other}/`);
  if (!isWithin(stateDir, meshDir) && !isWithin(meshDir, stateDir)) return;
  throw new MeshError(
    "usage",
    `--mesh-dir ${meshDir} and --state ${stateDir} lie one within the other; name folders apart, or leave out --mesh-dir: its files are then in ${join(stateDir, "mesh")}`,
  );
}

/** The path of a file. Pure. */
export function placeOf({ of, path }: KeptFile, { stateDir, meshDir }: RestorePlaces): string {
  return join(of === "mesh" ? meshDir : stateDir, path);
}

/** A node's book of positions: only the fields that a restore changes. */
export interface Book {
  readonly streams?: Readonly<Record<string, BookedStream>>;
  readonly open?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

interface BookedStream {
  readonly marks?: readonly { readonly links?: { readonly places?: Readonly<Record<string, number>> } }[];
  readonly [field: string]: unknown;
}

/** What a server says of a stream that it has taken back. */
export interface RestoredPlace {
  readonly created: string;
  readonly durables: Readonly<Record<string, unknown>>;
}

/**
 * The book of a restored hub or root: its streams and durables are those that were made anew, so that they count as
 * undamaged. A hub whose root is not restored with it asks that root for all that came since; a root asks such hubs.
 * Pure.
 * @param of The subnet, or `root`.
 * @param now Undefined for a stream that was not restored: it is forgotten.
 */
export function bookAfter(
  book: Book,
  of: string,
  manifest: Manifest,
  now: (stream: string) => RestoredPlace | undefined,
): Book {
  const streams = Object.entries(book.streams ?? {}).flatMap(([name, booked]) => {
    const restored = now(name);
    return restored === undefined ? [] : [[name, { ...booked, ...restored }] as const];
  });
  return {
    ...book,
    streams: Object.fromEntries(streams),
    open: { ...book.open, ...asked(book, of, manifest) },
  };
}

function asked(book: Book, of: string, { servers, began, remote }: Manifest): Record<string, string> {
  const restored = new Set(servers.map((server) => server.of));
  if (of !== ROOT_DOMAIN) {
    if (restored.has(ROOT_DOMAIN)) return {};
    return { lost: JSON.stringify({ id: `restored ${began}`, since: began }) };
  }
  const marks = book.streams?.[MESH_STREAM]?.marks ?? [];
  const places = marks.findLast(({ links }) => links?.places !== undefined)?.links?.places ?? {};
  const elsewhere = remote.filter((subnet) => !restored.has(subnet));
  return Object.fromEntries(
    elsewhere.map((subnet) => [`resend ${subnet}`, String((places[subnet] ?? 0) + 1)]),
  );
}

/** The paths in a joined machine's node files and server configs, moved to another state folder. Pure. */
export function movedPaths(text: string, from: string, to: string): string {
  // A path stands in quotes, and a slash follows the folder's name.
  return text.replaceAll(`"${from}/`, `"${to}/`);
}

/** The folder beside the state folder, in which all is made before it takes its place. Pure. */
export function stagedFolder(stateDir: string, id: string): string {
  return join(dirname(stateDir), `.restoring-${id}`);
}
