import { resolveStateDir } from "@adaos/config";
import type { OpenServer } from "@adaos/operations";
import { noServer, readLayout } from "@adaos/provision";
import type { StateOptions } from "../../options/options.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { withThoseThatAnswer } from "../events/failures/failure-options.ts";

export interface StoreOptions extends StateOptions {
  readonly at?: string;
  readonly json?: boolean;
}

/** Runs `use` with each selected server that answers: of one subnet, of the root, or all. Throws `usage`. */
export async function withStores(
  options: StoreOptions,
  terminal: Terminal,
  use: (server: OpenServer, stateDir: string) => Promise<void>,
): Promise<void> {
  const stateDir = resolveStateDir(options.state);
  const layout = readLayout(stateDir);
  const servers = layout.servers.filter(({ of }) => options.at === undefined || of === options.at);
  if (servers.length === 0) throw noServer(layout, options.at, layout.servers);
  await withThoseThatAnswer(servers, terminal, (server) => use(server, stateDir));
}
