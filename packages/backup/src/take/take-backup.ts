import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, relative, resolve, sep } from "node:path";
import { readMeshFile } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { counted, ROOT_DOMAIN } from "@adaos/core/wire";
import { type AwayServer, type OpenServer, withAnswering } from "@adaos/operations";
import { type Layout, noServer, readLayout, type ServerLayout } from "@adaos/provision";
import { whileLocked } from "@adaos/supervise";
import { assertRoom } from "../disk-room.ts";
import { BackupChain } from "../file/backup-chain.ts";
import type { KeptStream, Manifest } from "../file/manifest.ts";
import { BackupWriter } from "../file/write-backup.ts";
import { FileKeeper } from "./keep-files.ts";
import { type FoundStream, findStreams, keepStream } from "./keep-streams.ts";
import { namedFiles } from "./mesh-files.ts";
import { streamsOf, TAKE_ORDER } from "./take-order.ts";

export interface TakeOptions {
  readonly stateDir: string;
  readonly output: string;
  /** Subnets, or `root`. @default all servers of this machine */
  readonly only?: readonly string[] | undefined;
  /** The backup from which this one goes on; it must stay beside it. */
  readonly base?: string | undefined;
  /** Encrypts the file; it opens the base too. */
  readonly passphrase?: string | undefined;
  /** Keys, certificates and invitations too. */
  readonly keys?: boolean | undefined;
  /** Servers that do not answer are left out. */
  readonly allowMissing?: boolean | undefined;
  readonly force?: boolean | undefined;
  readonly onProgress?: ((progress: TakeProgress) => void) | undefined;
}

export interface TakeProgress {
  readonly streams: number;
  readonly of: number;
  /** Read from servers, and written to the file. */
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/** What was written. */
export interface TakenBackup {
  readonly file: string;
  readonly id: string;
  readonly bytes: number;
  /** Content that the base did not have. */
  readonly storedBytes: number;
  readonly streams: number;
  readonly messages: number;
  readonly files: number;
  readonly missing: readonly string[];
}

const ANSWER_MS = 5000;

/**
 * Writes all that this machine keeps of a mesh into one file, while the mesh goes on. Rejects with `unavailable` when a
 * server does not answer or the disk is full, with `usage` for options that do not fit, and as the base's file does.
 */
export async function takeBackup(options: TakeOptions): Promise<TakenBackup> {
  const { stateDir, base, passphrase, keys, only } = options;
  if (keys === true && passphrase === undefined)
    throw new MeshError(
      "usage",
      "keys are only kept encrypted; name a file with a passphrase: --passphrase-file FILE",
    );
  const layout = readLayout(stateDir);
  const servers = serversOf(layout, only);
  if (base !== undefined) assertBeside(base, options.output);
  return whileLocked(stateDir, async () => {
    const before = base === undefined ? undefined : await BackupChain.open(base, passphrase);
    try {
      return await withAnswering(
        servers,
        (open, away) => {
          assertThere(away, options);
          return new Taking(options, layout, open, away, before).run();
        },
        ANSWER_MS,
      );
    } finally {
      await before?.close();
    }
  });
}

class Taking {
  readonly #options: TakeOptions;
  readonly #layout: Layout;
  readonly #servers: readonly OpenServer[];
  readonly #missing: string[];
  readonly #before: BackupChain | undefined;
  readonly #streams = new Map<string, KeptStream[]>();
  #readBytes = 0;
  #done = 0;

  constructor(
    options: TakeOptions,
    layout: Layout,
    servers: readonly OpenServer[],
    away: readonly AwayServer[],
    before: BackupChain | undefined,
  ) {
    this.#options = options;
    this.#layout = layout;
    this.#servers = servers;
    this.#missing = away.map(({ of, reason }) => `${of}: ${reason}`);
    this.#before = before;
  }

  async run(): Promise<TakenBackup> {
    const { output, passphrase, force, base } = this.#options;
    const before = this.#before;
    const writer = await BackupWriter.open({
      file: output,
      passphrase,
      force,
      base:
        before === undefined
          ? undefined
          : { id: before.newest.header.id, file: basename(base ?? ""), blobs: before.blobs },
    });
    try {
      return await this.#take(writer);
    } catch (thrown) {
      await writer.discard();
      throw thrown;
    }
  }

  async #take(writer: BackupWriter): Promise<TakenBackup> {
    const { stateDir, output, keys, only } = this.#options;
    const began = new Date().toISOString();
    const files = new FileKeeper(writer, stateDir, only);
    const found = (await Promise.all(this.#servers.map(findStreams))).flat();
    if (this.#before === undefined) await assertFits(output, found);
    await files.folders("positions");
    for (const step of TAKE_ORDER) {
      if ("files" in step) await files.folders(step.files);
      else
        for (const stream of streamsOf(step.streams, found)) await this.#stream(writer, stream, found.length);
    }
    if (keys === true) await files.folders("secret");
    const meshFile = await this.#meshFiles(files);
    const { mesh, joinedTo, remote = [] } = this.#layout;
    const manifest: Manifest = {
      mesh,
      host: hostname(),
      stateDir,
      ...(meshFile === undefined ? {} : { meshFile }),
      ...(joinedTo === undefined ? {} : { joinedTo }),
      remote: [...remote],
      ...(only === undefined ? {} : { only: [...only] }),
      missing: this.#missing,
      hasKeys: keys === true,
      began,
      ended: new Date().toISOString(),
      servers: this.#servers.map(({ of }) => ({ of, streams: this.#streams.get(of) ?? [] })),
      files: files.kept,
    };
    await writer.finish(manifest);
    return {
      file: output,
      id: writer.id,
      bytes: writer.written,
      storedBytes: writer.stored,
      streams: found.length,
      messages: manifest.servers
        .flatMap(({ streams }) => streams)
        .reduce((sum, { state }) => sum + state.messages, 0),
      files: files.kept.length,
      missing: this.#missing,
    };
  }

  async #stream(writer: BackupWriter, stream: FoundStream, of: number): Promise<void> {
    const { onProgress } = this.#options;
    const server = stream.server.of;
    const tell = (): void =>
      onProgress?.({ streams: this.#done, of, readBytes: this.#readBytes, writtenBytes: writer.written });
    const before = this.#before?.manifest.servers
      .find((one) => one.of === server)
      ?.streams.find(({ config }) => config.name === stream.info.config.name);
    const kept = await keepStream(writer, stream, before, (bytes) => {
      this.#readBytes += bytes;
      tell();
    });
    this.#streams.set(server, [...(this.#streams.get(server) ?? []), kept]);
    this.#done++;
    tell();
  }

  /** Resolves with the path of the mesh file among the files. */
  async #meshFiles(files: FileKeeper): Promise<string | undefined> {
    const { configFile } = this.#layout;
    if (configFile === undefined) {
      await files.named(this.#options.stateDir, ["mesh.json"], "state");
      await files.folders("joined");
      return undefined;
    }
    const named = await namedFiles(readMeshFile(configFile));
    await files.named(named.root, named.files, "mesh");
    const secrets = named.others.map((file) => relative(named.root, file).split(sep).join("/"));
    const isKept = (path: string): boolean => this.#options.keys === true && !path.startsWith("../");
    await files.named(named.root, secrets.filter(isKept), "mesh");
    this.#missing.push(
      ...named.leftOut.map((file) => `${file}: it is no file`),
      ...named.others
        .filter((_, i) => !isKept(secrets[i] ?? "../"))
        .map((file) => `${file}: it may hold a secret`),
    );
    return named.meshFile;
  }
}

function serversOf(layout: Layout, only: readonly string[] | undefined): readonly ServerLayout[] {
  for (const name of only ?? []) {
    if (!layout.servers.some(({ of }) => of === name)) throw noServer(layout, name, layout.servers);
  }
  return layout.servers.filter(({ of }) => only === undefined || only.includes(of));
}

function assertThere(away: readonly AwayServer[], { allowMissing }: TakeOptions): void {
  const [first] = away;
  if (first === undefined || allowMissing === true) return;
  const who = first.of === ROOT_DOMAIN ? "the root" : `the hub of ${first.of}`;
  const more = away.length === 1 ? "" : ` (and ${counted(away.length - 1, "further server")})`;
  throw new MeshError(
    "unavailable",
    `${who} does not answer${more}, and its events would be missing: ${first.reason}; start it with adaos up, or leave it out with --allow-missing`,
  );
}

/** A base is found beside the backup when that is restored. */
function assertBeside(base: string, output: string): void {
  if (dirname(resolve(base)) === dirname(resolve(output)) && resolve(base) !== resolve(output)) return;
  throw new MeshError(
    "usage",
    `the base ${base} must be another file in the folder of ${output}: both are needed`,
  );
}

async function assertFits(output: string, found: readonly FoundStream[]): Promise<void> {
  const dir = dirname(resolve(output));
  if (!existsSync(dir))
    throw new MeshError("usage", `${output} cannot be written: there is no folder ${dir}`);
  await assertRoom(
    dir,
    found.reduce((sum, { info }) => sum + info.state.bytes, 0),
    (needed, free) => `the backup may need ${needed}, and the disk of ${output} has ${free} free`,
  );
}
