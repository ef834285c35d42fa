import { existsSync, readFileSync } from "node:fs";
import type { Logger } from "@adaos/core";
import {
  compileRootServer,
  kickLeaves,
  leafAccount,
  type RootServerSettings,
  ServerConfig,
} from "@adaos/nats-server";
import type { Connection } from "@adaos/transport-nats";

/** Everything of the root server's config but whom it lets in beside the system's user. */
export type FixedRootSettings = Omit<RootServerSettings, "leafKeys" | "linkKeys" | "rootKey" | "invitations">;

/** Whom the root's server knows: public nkeys. */
export interface Admitted {
  readonly rootKey: string;
  /** By subnet. */
  readonly leafKeys: ReadonlyMap<string, string>;
  /** By subnet. */
  readonly linkKeys: ReadonlyMap<string, string>;
}

/** Whom the root's server lets in: root daemons, the leaf connections of subnets, holders of invitations. */
export class LeafGate {
  readonly #file: string;
  readonly #config: ServerConfig;
  readonly #fixed: FixedRootSettings;
  readonly #system: Connection;
  readonly #log: Logger;
  #admitted: Admitted;
  #invitations: ReadonlyMap<string, string> = new Map();

  /** @param system Connection of the system account's user; closed with this. */
  constructor(
    configFile: string,
    fixed: FixedRootSettings,
    admitted: Admitted,
    system: Connection,
    log: Logger,
  ) {
    this.#file = configFile;
    this.#config = new ServerConfig(configFile, system.nc);
    this.#fixed = fixed;
    this.#admitted = admitted;
    this.#system = system;
    this.#log = log;
  }

  /** Over which the server can be asked what it says of itself. */
  get system(): Connection {
    return this.#system;
  }

  /**
   * Lets in these and no others: a leaf connection of a subnet that is gone, or with a key that is another one now, is
   * ended, which a reload alone does not do. Rejects as `reloadServer()` does.
   */
  async admit(admitted: Admitted): Promise<void> {
    const { leafKeys } = admitted;
    const before = existsSync(this.#file) ? readFileSync(this.#file, "utf8") : "";
    this.#admitted = admitted;
    await this.#enforce();
    const isKnown = (account: string): boolean =>
      [...leafKeys].some(([subnet, key]) => leafAccount(subnet) === account && before.includes(key));
    const kicked = await kickLeaves(this.#system.nc, (account) => !isKnown(account));
    if (kicked > 0) this.#log.warn({ kicked }, "leaf connections of removed subnets or keys ended");
  }

  /** Lets holders of these invitations ask to join, and of no others. Rejects as `reloadServer()` does. */
  async invite(invitations: ReadonlyMap<string, string>): Promise<void> {
    this.#invitations = invitations;
    await this.#enforce();
  }

  close(): Promise<void> {
    return this.#system.close();
  }

  #enforce(): Promise<void> {
    return this.#config.enforce(() =>
      compileRootServer({ ...this.#fixed, ...this.#admitted, invitations: this.#invitations }),
    );
  }
}
