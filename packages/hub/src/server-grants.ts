import type { HubFile } from "@adaos/config";
import {
  askAccountTraffic,
  ClusterTraffic,
  compileHubServer,
  type HubServerSettings,
  memberAccount,
  ServerConfig,
  type Traffic,
} from "@adaos/nats-server";
import type { NatsConnection } from "nats";

/** The server's config without its users, the consumers that each member may pull from, and the restrictions. */
export type FixedSettings = Omit<HubServerSettings, "consumers" | "withheld" | "shutOut" | keyof HubKeys>;

/** The users of a hub's server, and its user at the root: public nkeys. */
export type HubKeys = Pick<HubServerSettings, "hubKey" | "leafKey" | "memberKeys">;

/** The users in a hub's node file. Pure. */
export function keysOf({ members, natsServer: { hubKey, leafKey } }: HubFile): HubKeys {
  const memberKeys = new Map(Object.entries(members).map(([name, { key }]) => [name, key]));
  return { hubKey, leafKey, memberKeys };
}

/** Accounts of a hub's server that belong to no member. */
const OWN_ACCOUNTS = ["SUBNET", "BRIDGE"];

/** The part of the rights that the daemons of a hub of several servers share: their node files have the rest. */
export interface SharedRights {
  readonly consumers: Readonly<Record<string, readonly string[]>>;
  readonly withheld: Readonly<Record<string, readonly string[]>>;
  readonly shutOut: readonly string[];
}

/** A member and a consumer it may pull from. */
export type Grant = readonly [node: string, consumer: string];

/**
 * The members of the subnet and the consumers that each may pull from, as the server enforces them. The server knows
 * literal names only, so a new durable is a new line in its config.
 */
export class ServerGrants {
  readonly #config: ServerConfig;
  readonly #fixed: FixedSettings;
  readonly #granted = new Map<string, Set<string>>();
  readonly #system: NatsConnection;
  #keys: HubKeys;
  #isKnown = false;
  #withheld: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  #shutOut: ReadonlySet<string> = new Set();
  #share: ((rights: SharedRights) => Promise<void>) | undefined;
  readonly #traffic = new ClusterTraffic();

  /** @param isAway Of a hub of several servers: whether this one is down, while the daemon goes on with the others. */
  constructor(
    configFile: string,
    fixed: FixedSettings,
    keys: HubKeys,
    system: NatsConnection,
    isAway: () => boolean = () => false,
  ) {
    this.#config = new ServerConfig(configFile, system, isAway);
    this.#fixed = fixed;
    this.#keys = keys;
    this.#system = system;
  }

  /** What the servers beside the other daemons have in force as well. */
  get shared(): SharedRights {
    const lists = (sets: Iterable<readonly [string, Iterable<string>]>): Record<string, string[]> =>
      Object.fromEntries(Array.from(sets, ([node, names]) => [node, [...names].sort()]));
    return { consumers: lists(this.#granted), withheld: lists(this.#withheld), shutOut: [...this.#shutOut] };
  }

  /** Whether the rights of all members are known: granted by this daemon, or taken from another one. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** Calls `share` with the rights at each {@link enforce}, which waits for it; undefined: no more. */
  shareWith(share: ((rights: SharedRights) => Promise<void>) | undefined): void {
    this.#share = share;
  }

  /** Takes the rights of the daemon that serves the subnet. Rejects as {@link enforce} does. */
  follow({ consumers, withheld, shutOut }: SharedRights): Promise<void> {
    this.#granted.clear();
    for (const [node, names] of Object.entries(consumers)) this.#granted.set(node, new Set(names));
    this.#withheld = new Map(Object.entries(withheld).map(([node, roots]) => [node, new Set(roots)]));
    this.#shutOut = new Set(shutOut);
    this.#isKnown = true;
    return this.enforce();
  }

  /** How many consumers a member may pull from. */
  count(node: string): number {
    return this.#granted.get(node)?.size ?? 0;
  }

  has(node: string, consumer: string): boolean {
    return this.#granted.get(node)?.has(consumer) === true;
  }

  isMember(node: string): boolean {
    return this.#keys.memberKeys.has(node);
  }

  /** Sets the users from the next {@link enforce} on, which disconnects removed users. */
  setKeys(keys: HubKeys): void {
    this.#keys = keys;
  }

  /** All members, also those that are shut out for a while. */
  get members(): Iterable<string> {
    return this.#keys.memberKeys.keys();
  }

  /**
   * Restricts members for now, from the next {@link enforce} on, whatever policy allows.
   * @param withheld First tokens of subjects to which each may not publish.
   * @param shutOut Members that are disconnected and refused.
   */
  restrict(withheld: ReadonlyMap<string, ReadonlySet<string>>, shutOut: ReadonlySet<string>): void {
    this.#withheld = withheld;
    this.#shutOut = shutOut;
  }

  /**
   * Traffic of each member's connections to the server so far, and under `""` that of the hub's and the root's
   * connections. Rejects with `unavailable`.
   */
  async askTraffic(): Promise<Map<string, Traffic>> {
    const nodes = [...this.#keys.memberKeys.keys()];
    const accounts = [...OWN_ACCOUNTS, ...nodes.map(memberAccount)];
    const isAlone = this.#fixed.cluster === undefined;
    const traffic = isAlone
      ? await askAccountTraffic(this.#system, accounts)
      : await this.#traffic.ask(this.#system, accounts);
    const of = (account: string): Traffic => traffic.get(account) ?? { messages: 0, bytes: 0 };
    const own = OWN_ACCOUNTS.map(of).reduce((a, b) => {
      return { messages: a.messages + b.messages, bytes: a.bytes + b.bytes };
    });
    return new Map([["", own], ...nodes.map((node) => [node, of(memberAccount(node))] as const)]);
  }

  /** Revokes consumers of members, from the next {@link enforce} on. */
  revoke(grants: Iterable<Grant>): void {
    for (const [node, consumer] of grants) this.#granted.get(node)?.delete(consumer);
  }

  /** Grants consumers and resolves when the server enforces it. Rejects as {@link enforce} does. */
  grant(grants: Iterable<Grant>): Promise<void> {
    for (const [node, consumer] of grants) {
      const consumers = this.#granted.get(node) ?? new Set();
      this.#granted.set(node, consumers.add(consumer));
    }
    this.#isKnown = true;
    return this.enforce();
  }

  /** Resolves when the server enforces the current members, policy and grants. Rejects as `reloadServer()` does. */
  async enforce(): Promise<void> {
    await Promise.all([this.#enforceHere(), this.#share?.(this.shared)]);
  }

  #enforceHere(): Promise<void> {
    return this.#config.enforce(() => {
      const consumers = new Map([...this.#granted].map(([node, names]) => [node, [...names].sort()]));
      return compileHubServer({
        ...this.#fixed,
        ...this.#keys,
        consumers,
        withheld: this.#withheld,
        shutOut: this.#shutOut,
      });
    });
  }
}
