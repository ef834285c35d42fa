import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Durability } from "@adaos/core/wire";
import { type ConfBlock, ensureNatsServer, renderConf } from "@adaos/nats-server";
import { ServerProcess } from "./server-process.ts";

/** A server without accounts or rights, in the sync mode of the run. */
export interface PlainServer {
  readonly name: string;
  readonly port: number;
  /** Its JetStream domain. */
  readonly domain?: string;
  readonly leafnodes?: ConfBlock;
}

export async function natsServerVersion(): Promise<string> {
  return (await ensureNatsServer()).version;
}

/** Rejects with `unavailable`. */
export async function startNatsServer(
  { name, port, domain, leafnodes }: PlainServer,
  durability: Durability,
  parentDir: string,
): Promise<ServerProcess> {
  const dir = join(parentDir, name);
  await mkdir(dir);
  const { path: file } = await ensureNatsServer();
  const conf = renderConf({
    server_name: name,
    listen: `127.0.0.1:${port}`,
    jetstream: {
      store_dir: join(dir, "data"),
      domain,
      sync_interval: durability === "synced" ? "always" : undefined,
    },
    leafnodes,
  });
  await writeFile(join(dir, "nats.conf"), conf);
  return ServerProcess.start(`nats-server-${name}`, {
    file,
    args: ["-c", join(dir, "nats.conf")],
    dir,
    port,
  });
}
