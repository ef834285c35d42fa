import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, writeWhole, writeWholeSynced } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { ROOT_DOMAIN } from "@adaos/core/wire";
import { keyChangeFile, markStore, storeAccount } from "@adaos/nats-server";
import { keptFor } from "@adaos/supervise";
import { listStreams } from "@adaos/transport-nats";
import type { NatsConnection } from "nats";
import { assertRoom } from "../disk-room.ts";
import type { RestoredPlace } from "../restore/restore-plan.ts";
import { withTemporaryServer } from "../restore/temporary-server.ts";
import { restoreStream } from "../snapshot/restore-stream.ts";
import { takeSnapshot } from "../snapshot/take-snapshot.ts";

/** The streams of one server, and the keys before and after. */
export interface StoreChange {
  readonly of: string;
  readonly storeDir: string;
  /** Undefined: not encrypted. */
  readonly fromFile: string | undefined;
  readonly toFile: string | undefined;
  readonly toId: string | undefined;
}

export interface ChangingOptions {
  readonly stateDir: string;
  /** The nats-server program. */
  readonly program: string;
  readonly onStream: (stream: string) => void;
}

/** What is left to do when the fresh streams are complete. */
interface Swap {
  readonly toId?: string | undefined;
  readonly restored: Readonly<Record<string, RestoredPlace>>;
}

/**
 * Writes the streams of a stopped server anew, with another key or without one: a server that is given the previous key
 * loses its durables (measured with nats-server 2.15.1). The streams are copied with their durables, and take the place
 * of the old ones once all are there. An interrupted change is finished by the next call. Rejects with `unavailable`.
 */
export async function rekeyStore(change: StoreChange, options: ChangingOptions): Promise<void> {
  const { storeDir } = change;
  if (!existsSync(keyChangeFile(storeDir))) {
    const restored = await copyStreams(change, options);
    const swap = JSON.stringify({ toId: change.toId, restored } satisfies Swap);
    // From here on only this file tells that the fresh streams are the whole ones.
    await writeWholeSynced(keyChangeFile(storeDir), Buffer.from(swap));
  }
  finishRekey(change, options.stateDir);
}

/** Puts complete streams in the place of the old ones. Every step can be repeated. */
function finishRekey({ of, storeDir }: Pick<StoreChange, "of" | "storeDir">, stateDir: string): void {
  const swapFile = keyChangeFile(storeDir);
  const { toId, restored } = JSON.parse(readFileSync(swapFile, "utf8")) as Swap;
  const [fresh, old] = [freshDir(storeDir), `${storeDir}.old-key`];
  if (existsSync(fresh)) {
    if (existsSync(storeDir)) {
      rmSync(old, { recursive: true, force: true });
      renameSync(storeDir, old);
    }
    renameSync(fresh, storeDir);
  }
  markStore(storeDir, toId);
  for (const file of booksOf(stateDir, of)) {
    try {
      writeWhole(file, withPlaces(readFileSync(file, "utf8"), restored));
    } catch (cause) {
      throw MeshError.from(
        cause,
        "invalid-config",
        `${file} cannot be changed; move it away and run this again`,
      );
    }
  }
  rmSync(old, { recursive: true, force: true });
  // Last: without it nothing would ever remove the old streams, which an old key opens, or anybody.
  rmSync(swapFile);
}

function freshDir(storeDir: string): string {
  return `${storeDir}.new-key`;
}

async function copyStreams(
  change: StoreChange,
  { stateDir, program, onStream }: ChangingOptions,
): Promise<Swap["restored"]> {
  const { of, storeDir, fromFile, toFile } = change;
  const fresh = freshDir(storeDir);
  const workDirs = [`${fresh}.from`, `${fresh}.to`] as const;
  const leave = (): void => {
    for (const dir of workDirs) rmSync(dir, { recursive: true, force: true });
  };
  leave();
  rmSync(fresh, { recursive: true, force: true });
  const account = storeAccount(of);
  const restored: Record<string, RestoredPlace> = {};
  try {
    for (const dir of [...workDirs, fresh]) makeFolder(dir, 0o700);
    // When this process is killed, the next adaos up ends them: two servers of one store would damage it.
    const common = { program, account, env: keptFor(stateDir, `rekey-${of}`) };
    const source = { ...common, storeDir, workDir: workDirs[0], keyFile: fromFile };
    const target = { ...common, storeDir: fresh, workDir: workDirs[1], keyFile: toFile };
    await withTemporaryServer(source, (from) =>
      withTemporaryServer(target, async (to) => {
        const jsm = await from.jetstreamManager({ checkAPI: false });
        const streams = await listStreams(jsm);
        const bytes = [...streams.values()].reduce((sum, { state }) => sum + state.bytes, 0);
        await assertRoom(
          storeDir,
          bytes,
          (needed, free) => `the copy of ${storeDir} needs ${needed}, and its disk has ${free} free`,
        );
        for (const name of streams.keys()) {
          restored[name] = await copyStream(from, to, name);
          onStream(name);
        }
      }),
    );
    assertAllCame(storeDir, account, Object.keys(restored));
    return restored;
  } catch (thrown) {
    rmSync(fresh, { recursive: true, force: true });
    throw thrown;
  } finally {
    leave();
  }
}

async function copyStream(from: NatsConnection, to: NatsConnection, name: string): Promise<RestoredPlace> {
  const snapshot = await takeSnapshot(from, name, true);
  try {
    const { config, state } = snapshot;
    const {
      created,
      durables,
      state: now,
    } = await restoreStream(to, {
      config,
      state,
      // They come with the content.
      consumers: undefined,
      content: () => snapshot.content(),
    });
    if (now.last_seq !== state.last_seq || now.messages !== state.messages)
      throw new MeshError(
        "unavailable",
        `${name} has ${now.messages} of ${state.messages} messages in its copy`,
      );
    return { created, durables };
  } finally {
    snapshot.close();
  }
}

/** A server leaves out streams that it cannot read. */
function assertAllCame(storeDir: string, account: string, copied: readonly string[]): void {
  const dir = join(storeDir, "jetstream", account, "streams");
  const stored = existsSync(dir) ? readdirSync(dir).filter((name) => !name.startsWith(".")) : [];
  const missing = stored.filter((name) => !copied.includes(name));
  if (missing.length > 0)
    throw new MeshError(
      "unavailable",
      `${missing.join(", ")} in ${storeDir} cannot be read with the old key`,
    );
}

/** The books of positions of a hub or of the root's daemons. */
function booksOf(stateDir: string, of: string): string[] {
  const dir = join(stateDir, "positions");
  if (!existsSync(dir)) return [];
  const isOwn = of === ROOT_DOMAIN ? /^root(?:-\d)?\.json$/ : new RegExp(`^${of}_hub\\.json$`);
  return readdirSync(dir)
    .filter((name) => isOwn.test(name))
    .map((name) => join(dir, name));
}

/** A book of positions whose streams were created again, with all that they had. Pure. */
export function withPlaces(text: string, restored: Swap["restored"]): string {
  const book = JSON.parse(text) as { streams?: Record<string, object> };
  const streams = Object.entries(book.streams ?? {}).map(
    ([name, booked]) => [name, { ...booked, ...restored[name] }] as const,
  );
  return JSON.stringify({ ...book, streams: Object.fromEntries(streams) });
}
