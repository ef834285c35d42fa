import { readServerAccess } from "@adaos/config";
import { within } from "@adaos/core/wire";
import type { ServerLayout } from "@adaos/provision";
import { type Connection, openConnection } from "@adaos/transport-nats";

/** The time limit of a server's answer on its system account. */
const ANSWER_MS = 2000;
const CLOSE_MS = 1000;

const silent = (): void => undefined;
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };

/** Connections over servers' system accounts, each opened when it is asked for first. */
export class SystemConnections {
  readonly #name: string;
  readonly #opened = new Map<string, Promise<Connection>>();

  /** @param name The name that servers list these connections by. */
  constructor(name: string) {
    this.#name = name;
  }

  of(server: ServerLayout): Promise<Connection> {
    const opened = this.#opened.get(server.of) ?? openSystem(server, this.#name);
    this.#opened.set(server.of, opened);
    return opened;
  }

  /** Never rejects, and waits for no connection for long. */
  async close(): Promise<void> {
    const closing = [...this.#opened.values()].map(async (opening) => {
      await (await opening).close();
    });
    await within(Promise.allSettled(closing), CLOSE_MS);
  }
}

async function openSystem({ url, systemSeedFile, tls }: ServerLayout, name: string): Promise<Connection> {
  return openConnection({
    ...readServerAccess({ url, seedFile: systemSeedFile, tls }),
    name,
    user: "operator",
    log: SILENT,
    timeoutMs: ANSWER_MS,
  });
}
