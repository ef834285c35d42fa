import { randomUUID } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { makeFolder, readMeshFile, writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { messageOf, ROOT_DOMAIN } from "@adaos/core/wire";
import { ensureNatsServer, renderProgress, storeAccount } from "@adaos/nats-server";
import { provision } from "@adaos/provision";
import type { NatsConnection } from "nats";
import { assertRoom } from "../disk-room.ts";
import { BackupChain } from "../file/backup-chain.ts";
import { gathered } from "../file/gathered.ts";
import type { Blob, KeptFile, KeptStream, Manifest } from "../file/manifest.ts";
import { restoreStream } from "../snapshot/restore-stream.ts";
import {
  assertApart,
  type Book,
  bookAfter,
  movedPaths,
  placeOf,
  type RestoredPlace,
  type RestorePlaces,
  stagedFolder,
} from "./restore-plan.ts";
import { withTemporaryServer } from "./temporary-server.ts";

export interface RestoreOptions {
  readonly file: string;
  /** A folder that does not exist, or is empty. */
  readonly stateDir: string;
  /** For the mesh file and what it names. @default `mesh` in the state folder */
  readonly meshDir?: string | undefined;
  readonly passphrase?: string | undefined;
  readonly onProgress?: ((progress: { readonly streams: number; readonly of: number }) => void) | undefined;
}

/** What was restored, or would be. */
export interface RestoredMesh {
  readonly mesh: string;
  readonly madeAt: string;
  readonly host: string;
  readonly stateDir: string;
  /** Undefined for a folder that has joined another machine's mesh. */
  readonly meshFile: string | undefined;
  readonly streams: readonly {
    readonly of: string;
    readonly name: string;
    readonly messages: number;
    readonly bytes: number;
    readonly durables: number;
  }[];
  readonly files: number;
  readonly bytes: number;
  readonly hasKeys: boolean;
  readonly missing: readonly string[];
  /** Why the mesh file does not start here yet; undefined when it does. */
  readonly problem?: string | undefined;
}

/** Of a book of positions, a node file or a server's config: daemons refuse larger ones. */
const MAX_TEXT_BYTES = 67_108_864;
/** Made anew for the folder's own paths. */
const MADE_ANEW = ["nodes", "servers", "mesh.json", "mesh.json.last-good"];

/** Tells what a restore would write, after all of the backup was read. Rejects as {@link restoreBackup} does. */
export async function planRestore(options: RestoreOptions): Promise<RestoredMesh> {
  const chain = await openFor(options);
  try {
    return outcome(chain, options, undefined);
  } finally {
    await chain.close();
  }
}

/**
 * Restores a backup into a fresh folder. It takes its place when all is there; otherwise nothing is left. Rejects with
 * `usage` when the folder is in use, `unavailable` when the disk is full or no server starts, and as the backup does.
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoredMesh> {
  const chain = await openFor(options);
  const id = randomUUID();
  const staged = stagedFolder(options.stateDir, id);
  // A folder can only be moved on its own disk.
  const stagedMesh =
    options.meshDir === undefined ? join(staged, "state", "mesh") : stagedFolder(options.meshDir, id);
  try {
    makeFolder(staged, 0o700);
    const places = { stateDir: join(staged, "state"), meshDir: stagedMesh };
    const restoring = new Restoring(chain, options, staged, places);
    await restoring.files();
    await restoring.streams();
    await restoring.books();
    const problem = await restoring.place();
    return outcome(chain, options, problem);
  } catch (thrown) {
    throw MeshError.from(thrown, "unavailable", `${options.stateDir} was not restored`);
  } finally {
    for (const dir of [staged, stagedMesh]) rmSync(dir, { recursive: true, force: true });
    await chain.close();
  }
}

async function openFor(options: RestoreOptions): Promise<BackupChain> {
  const { file, stateDir, meshDir, passphrase } = options;
  if (meshDir !== undefined) assertApart(stateDir, meshDir);
  for (const dir of [stateDir, ...(meshDir === undefined ? [] : [meshDir])]) {
    if (!existsSync(dir)) continue;
    if (lstatSync(dir).isSymbolicLink() || lstatSync(dir).dev !== lstatSync(dirname(resolve(dir))).dev)
      throw new MeshError(
        "usage",
        `${dir} is a link or a disk of its own, so that no other folder can take its place; name a folder in it`,
      );
    if (readdirSync(dir).length > 0)
      throw new MeshError(
        "usage",
        `${dir} is not empty; restore into a new folder, and remove the old one yourself`,
      );
  }
  const chain = await BackupChain.open(file, passphrase);
  try {
    await assertRoom(
      stateDir,
      bytesOf(chain.manifest),
      (needed, free) => `the mesh needs ${needed}, and the disk of ${stateDir} has ${free} free`,
    );
    return chain;
  } catch (thrown) {
    await chain.close();
    throw thrown;
  }
}

class Restoring {
  readonly #chain: BackupChain;
  readonly #options: RestoreOptions;
  readonly #staged: string;
  readonly #places: RestorePlaces;
  /** By subnet and stream. */
  readonly #restored = new Map<string, RestoredPlace>();

  constructor(chain: BackupChain, options: RestoreOptions, staged: string, places: RestorePlaces) {
    this.#chain = chain;
    this.#options = options;
    this.#staged = staged;
    this.#places = places;
  }

  get #manifest(): Manifest {
    return this.#chain.manifest;
  }

  /** Where the files of the mesh file are in the end. */
  get #meshDir(): string {
    return this.#options.meshDir ?? join(this.#options.stateDir, "mesh");
  }

  async files(): Promise<void> {
    makeFolder(this.#places.stateDir, 0o700);
    for (const file of this.#manifest.files) if (bookOf(file) === undefined) await this.#file(file);
  }

  async streams(): Promise<void> {
    const { servers } = this.#manifest;
    const of = servers.reduce((sum, { streams }) => sum + streams.length, 0);
    if (of === 0) return;
    const { path: program } = await ensureNatsServer({ onProgress: renderProgress() });
    let done = 0;
    for (const server of servers) {
      const workDir = join(this.#staged, `server-${server.of}`);
      const storeDir = join(this.#places.stateDir, "store", server.of);
      makeFolder(workDir, 0o700);
      makeFolder(storeDir, 0o700);
      const account = storeAccount(server.of);
      await withTemporaryServer({ program, storeDir, account, workDir }, async (nc) => {
        for (const stream of server.streams) {
          await this.#stream(nc, server.of, stream);
          this.#options.onProgress?.({ streams: ++done, of });
        }
      });
    }
  }

  /** The books of positions, once the streams are there. */
  async books(): Promise<void> {
    for (const file of this.#manifest.files) {
      const of = bookOf(file);
      if (of === undefined) continue;
      const book = JSON.parse(await this.#text(file)) as Book;
      const now = (stream: string): RestoredPlace | undefined => this.#restored.get(`${of} ${stream}`);
      const after = bookAfter(book, of, this.#manifest, now);
      writeWhole(placeOf(file, this.#places), JSON.stringify(after));
    }
  }

  /** Moves all into place. Resolves with why the mesh does not start yet. */
  async place(): Promise<string | undefined> {
    const { stateDir } = this.#options;
    const { meshFile } = this.#manifest;
    const problem =
      meshFile === undefined ? undefined : await this.#try(join(this.#places.meshDir, meshFile));
    const { meshDir } = this.#options;
    if (meshDir !== undefined && existsSync(this.#places.meshDir)) move(this.#places.meshDir, meshDir);
    try {
      move(this.#places.stateDir, stateDir);
    } catch (thrown) {
      if (meshDir !== undefined) rmSync(meshDir, { recursive: true, force: true });
      throw thrown;
    }
    if (meshFile !== undefined && problem === undefined)
      await provision(readMeshFile(join(this.#meshDir, meshFile)), stateDir);
    return problem;
  }

  /** Makes the files of the mesh once where nobody uses them yet: an error in the mesh file must show before. */
  async #try(meshFile: string): Promise<string | undefined> {
    try {
      await provision(readMeshFile(meshFile), this.#places.stateDir);
      return undefined;
    } catch (thrown) {
      return messageOf(thrown);
    } finally {
      for (const name of MADE_ANEW)
        rmSync(join(this.#places.stateDir, name), { recursive: true, force: true });
    }
  }

  async #file(file: KeptFile): Promise<void> {
    const path = placeOf(file, this.#places);
    const mode = file.runs ? 0o700 : 0o600;
    if (file.of === "state") {
      const changed = await this.#changed(file);
      if (changed !== undefined) return writeWhole(path, changed, mode);
    }
    makeFolder(dirname(path), 0o700);
    const handle = await open(path, "wx", mode);
    try {
      for await (const part of this.#chain.content(file.sha256)) await handle.writeFile(part);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  /** The content of a file that is not restored as it was. */
  async #changed(file: KeptFile): Promise<string | undefined> {
    if (!/^(?:nodes\/|servers\/|mesh\.json$)/.test(file.path)) return undefined;
    return movedPaths(await this.#text(file), this.#manifest.stateDir, this.#options.stateDir);
  }

  /** The content of a file that is read as a whole. */
  async #text({ path, sha256, bytes }: KeptFile): Promise<string> {
    if (bytes <= MAX_TEXT_BYTES) return (await gathered(this.#chain.content(sha256))).toString();
    throw new MeshError("invalid-config", `${path} in the backup is larger than any that is written`);
  }

  async #stream(nc: NatsConnection, of: string, kept: KeptStream): Promise<void> {
    const { state, parts, consumers } = kept;
    const { name } = kept.config;
    const { placement: _, ...config } = { placement: undefined, ...kept.config, num_replicas: 1 };
    const chain = this.#chain;
    const now = await restoreStream(nc, {
      config,
      state,
      consumers,
      content: async function* () {
        for (const { sha256 } of parts) yield* chain.content(sha256);
      },
    });
    if (now.state.last_seq < state.last_seq)
      throw new MeshError(
        "unavailable",
        `${name} came back to ${now.state.last_seq} of ${state.last_seq} places; use another backup`,
      );
    this.#restored.set(`${of} ${name}`, { created: now.created, durables: now.durables });
  }
}

function outcome(
  { manifest, files, newest }: BackupChain,
  options: RestoreOptions,
  problem?: string,
): RestoredMesh {
  const { mesh, host, servers, hasKeys, missing, meshFile } = manifest;
  const streams = servers.flatMap(({ of, streams: own }) =>
    own.map(({ config, state, consumers }) => {
      return {
        of,
        name: config.name,
        messages: state.messages,
        bytes: state.bytes,
        durables: consumers.length,
      };
    }),
  );
  return {
    mesh,
    madeAt: newest.header.madeAt,
    host,
    stateDir: options.stateDir,
    meshFile:
      meshFile === undefined ? undefined : join(options.meshDir ?? join(options.stateDir, "mesh"), meshFile),
    streams,
    files: manifest.files.length,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    hasKeys,
    missing,
    ...(problem === undefined ? {} : { problem }),
  };
}

/** Whose book of positions this file is: the subnet's, or the root's. */
function bookOf({ of, path }: KeptFile): string | undefined {
  const found = /^positions\/(?:([a-z0-9-]+)_hub|root(?:-\d)?)\.json$/.exec(path);
  return of !== "state" || found === null ? undefined : (found[1] ?? ROOT_DOMAIN);
}

/** A folder on the same disk, or an empty one in its place. */
function move(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  if (existsSync(to)) rmdirSync(to);
  renameSync(from, to);
}

function sumOf(blobs: readonly Blob[]): number {
  return blobs.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** What a restore writes at most. */
function bytesOf({ servers, files }: Manifest): number {
  // A part may be named often, so that much content comes from a small file.
  const stored = servers
    .flatMap(({ streams }) => streams)
    .map(({ state, parts }) => Math.max(state.bytes, sumOf(parts)))
    .reduce((sum, bytes) => sum + bytes, 0);
  return stored + sumOf(files);
}
