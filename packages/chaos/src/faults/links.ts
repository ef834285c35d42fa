import { readServerAccess } from "@adaos/config";
import { delay, ROOT_DOMAIN } from "@adaos/core/wire";
import { kickLeaves, leafAccount } from "@adaos/nats-server";
import { openConnection } from "@adaos/transport-nats";
import type { Fault } from "./fault.ts";

/** A hub's server reconnects after a second; the new connection is cut as soon as it is seen. */
const LOOK_MS = 50;

const silent = (): void => undefined;
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };

export const cutLink: Fault = {
  name: "cut-link",
  summary:
    "a subnet's connection to the root ends, and ends again whenever it is back; it is left alone later",
  losesEvents: false,
  targets: ({ layout: { servers } }) =>
    servers.some(({ of }) => of === ROOT_DOMAIN)
      ? servers.map(({ of }) => of).filter((of) => of !== ROOT_DOMAIN)
      : [],
  begin: async ({ mesh, target }) => {
    const root = mesh.layout.servers.find(({ of }) => of === ROOT_DOMAIN);
    if (root === undefined) throw new Error("the root's server is elsewhere");
    const { url, systemSeedFile, tls } = root;
    const access = readServerAccess({ url, seedFile: systemSeedFile, tls });
    const system = await openConnection({ ...access, name: "adaos chaos", user: "operator", log: SILENT });
    const account = leafAccount(target);
    const cut = (): Promise<number> => kickLeaves(system.nc, (of) => of === account);
    try {
      if ((await cut()) === 0) throw new Error(`${target} has no connection to ${root.name}`);
    } catch (thrown) {
      await system.close();
      throw thrown;
    }
    const stopped = new AbortController();
    const cutting = (async (): Promise<void> => {
      while (!stopped.signal.aborted) {
        await delay(LOOK_MS, stopped.signal);
        // A server that does not answer has no connection to cut.
        await cut().catch(() => 0);
      }
    })();
    return {
      detail: `the connection of ${target} to ${root.name} cut`,
      end: async () => {
        stopped.abort();
        await cutting;
        await system.close();
      },
    };
  },
};
