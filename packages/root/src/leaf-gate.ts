import type { Logger } from "@adaos/core";
import {
  compileRootServer,
  kickLeaves,
  leafAccount,
  type RootServerSettings,
  ServerConfig,
} from "@adaos/nats-server";
import type { Connection } from "@adaos/transport-nats";

/** Everything of the root server's config but whose leaf connections it takes. */
export type FixedRootSettings = Omit<RootServerSettings, "leafKeys">;

/** Which subnets may hold a leaf connection to the root's server. */
export class LeafGate {
  readonly #config: ServerConfig;
  readonly #fixed: FixedRootSettings;
  readonly #system: Connection;
  readonly #log: Logger;

  /** @param system Connection of the system account's user; closed with this. */
  constructor(configFile: string, fixed: FixedRootSettings, system: Connection, log: Logger) {
    this.#config = new ServerConfig(configFile, system.nc);
    this.#fixed = fixed;
    this.#system = system;
    this.#log = log;
  }

  /**
   * Lets in these leaf keys, by subnet, and no others: a connection of one that is gone is ended, which a reload alone does
   * not do. Rejects as `reloadServer()` does.
   */
  async admit(leafKeys: ReadonlyMap<string, string>): Promise<void> {
    await this.#config.enforce(() => compileRootServer({ ...this.#fixed, leafKeys }));
    const accounts = new Set([...leafKeys.keys()].map(leafAccount));
    const kicked = await kickLeaves(this.#system.nc, (account) => !accounts.has(account));
    if (kicked > 0) this.#log.warn({ kicked }, "leaf connections of removed subnets ended");
  }

  close(): Promise<void> {
    return this.#system.close();
  }
}
