import { existsSync, lstatSync, realpathSync } from "node:fs";
import { dirname, sep } from "node:path";
import { MeshError } from "@adaos/core";
import {
  assertStoreKey,
  ensureNatsServer,
  keyChangeFile,
  readStoreKeyId,
  renderProgress,
  storeKeyIdOf,
} from "@adaos/nats-server";
import { readLayout, serverProcesses, storeDirOf, whose } from "@adaos/provision";
import { whileStopped } from "@adaos/supervise";
import { rekeyStore, type StoreChange } from "./rekey-store.ts";

export interface RekeyOptions {
  readonly stateDir: string;
  /** The present key; undefined when the streams are not encrypted. */
  readonly fromFile: string | undefined;
  /** The key that they shall have; undefined: none. */
  readonly toFile: string | undefined;
  readonly onStream: (of: string, stream: string) => void;
}

/**
 * The servers of a state folder whose streams are to be written anew; those that have the new key already are left
 * out. Throws `usage` when a server needs another key than the given one, and `invalid-config` for an unusable key.
 */
export function planRekey({ stateDir, fromFile, toFile }: RekeyOptions): StoreChange[] {
  const [fromId, toId] = [fromFile, toFile].map((file) =>
    file === undefined ? undefined : readStoreKeyId(file),
  );
  const layout = readLayout(stateDir);
  const cluster = layout.servers.find(({ others }) => others !== undefined);
  if (cluster !== undefined)
    throw new MeshError(
      "usage",
      `${whose(cluster)} has several servers, whose streams cannot be copied one by one; change its key with servers: 1`,
    );
  return serverProcesses(layout).flatMap((server) => {
    const { of } = server;
    const dir = storeDirOf(stateDir, server);
    if (!existsSync(dir) && !existsSync(keyChangeFile(dir))) return [];
    for (const file of [fromFile, toFile]) if (file !== undefined) assertOutside(file, dirname(dir));
    if (existsSync(dir)) assertMovable(dir);
    // One whose record is lost is refused with a remedy.
    const now = storeKeyIdOf(dir);
    if (now === undefined && !existsSync(keyChangeFile(dir))) assertStoreKey(dir, fromFile);
    if (now === toId && !existsSync(keyChangeFile(dir))) return [];
    if (now !== fromId && now !== toId && now !== undefined)
      throw new MeshError("usage", `the streams in ${dir} need the key ${now}; give its file with --from`);
    if (now === undefined && fromFile !== undefined && !existsSync(keyChangeFile(dir)))
      throw new MeshError("usage", `the streams in ${dir} are not encrypted; leave out --from`);
    return [{ of, storeDir: dir, fromFile, toFile, toId }];
  });
}

/** The old streams are removed, and a key among them would go along. */
function assertOutside(keyFile: string, storesDir: string): void {
  if (!realpathSync(keyFile).startsWith(realpathSync(storesDir) + sep)) return;
  throw new MeshError(
    "usage",
    `${keyFile} is in the folder of the streams, which are replaced with all that lies there; move the key elsewhere`,
  );
}

/** The fresh streams take the place of the folder itself. */
function assertMovable(dir: string): void {
  if (lstatSync(dir).dev === lstatSync(dirname(dir)).dev && !lstatSync(dir).isSymbolicLink()) return;
  throw new MeshError(
    "usage",
    `${dir} is a link or a disk of its own, so that no other folder can take its place; move the streams into a folder there first`,
  );
}

/** Changes the key of all streams of a stopped mesh. Rejects with `usage` while it runs, and as rekeying does. */
export async function rekeyMesh(options: RekeyOptions): Promise<void> {
  const { stateDir, onStream } = options;
  const { path: program } = await ensureNatsServer({ onProgress: renderProgress() });
  await whileStopped(stateDir, readLayout(stateDir), async () => {
    for (const change of planRekey(options)) {
      await rekeyStore(change, { stateDir, program, onStream: (stream) => onStream(change.of, stream) });
    }
  });
}
