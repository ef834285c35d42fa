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

/** The root server's config without its users, apart from the system's user. */
export type FixedRootSettings = Omit<
  RootServerSettings,
  "leafKeys" | "linkKeys" | "rootKey" | "invitations" | "regionKeys"
>;

const USER_KEY = /\bU[A-Z2-7]{55}\b/g;

/** Users of the root's server: public nkeys. */
export interface Admitted {
  readonly rootKey: string;
  /** Keys of leaf connections, by subnet. */
  readonly leafKeys: ReadonlyMap<string, string>;
  /** Keys of uplinks, by subnet. */
  readonly linkKeys: ReadonlyMap<string, string>;
  /** Keys of other regions, by name. */
  readonly regionKeys: ReadonlyMap<string, string>;
}

/** Admits users to the root's server: root daemons, the leaf connections of subnets, holders of invitations. */
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

  /** The connection for questions to the server about itself. */
  get system(): Connection {
    return this.#system;
  }

  /**
   * Admits only these users. Ends the leaf connection of a removed subnet or a replaced key, which a reload alone does
   * not do. Rejects as `reloadServer()` does.
   */
  async admit(admitted: Admitted): Promise<void> {
    const { leafKeys } = admitted;
    const before = existsSync(this.#file) ? readFileSync(this.#file, "utf8") : "";
    this.#admitted = admitted;
    await this.#enforce();
    const accounts = new Map([...leafKeys].map(([subnet, key]) => [leafAccount(subnet), key]));
    const keysBefore = new Set(before.match(USER_KEY));
    const isKnown = (account: string): boolean => keysBefore.has(accounts.get(account) ?? "");
    const kicked = await kickLeaves(this.#system.nc, (account) => !isKnown(account));
    if (kicked > 0) this.#log.warn({ kicked }, "leaf connections of removed subnets or keys ended");
  }

  /** Admits only holders of these invitations. Rejects as `reloadServer()` does. */
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
