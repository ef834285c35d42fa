import { compileHubServer, type HubServerSettings, ServerConfig } from "@adaos/nats-server";
import type { NatsConnection } from "nats";

/** Everything of the server's config but whom it lets in and which consumers each member may pull from. */
export type FixedSettings = Omit<HubServerSettings, "consumers" | keyof HubKeys>;

/** Whom a hub's server lets in, and as whom it dials its root: public nkeys. */
export type HubKeys = Pick<HubServerSettings, "hubKey" | "leafKey" | "memberKeys">;

/** A member and a consumer it may pull from. */
export type Grant = readonly [node: string, consumer: string];

/**
 * Which members there are and which consumers each may pull from, as the server enforces it. The server knows literal names
 * only, so a new durable is a new line in its config.
 */
export class ServerGrants {
  readonly #config: ServerConfig;
  readonly #fixed: FixedSettings;
  readonly #granted = new Map<string, Set<string>>();
  #keys: HubKeys;

  constructor(configFile: string, fixed: FixedSettings, keys: HubKeys, system: NatsConnection) {
    this.#config = new ServerConfig(configFile, system);
    this.#fixed = fixed;
    this.#keys = keys;
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

  /** Who is let in from the next {@link enforce} on; who is not any more is disconnected by it. */
  setKeys(keys: HubKeys): void {
    this.#keys = keys;
  }

  /** Takes consumers away from their members, from the next {@link enforce} on. */
  revoke(grants: Iterable<Grant>): void {
    for (const [node, consumer] of grants) this.#granted.get(node)?.delete(consumer);
  }

  /** Grants consumers and resolves when the server enforces it. Rejects as {@link enforce} does. */
  grant(grants: Iterable<Grant>): Promise<void> {
    for (const [node, consumer] of grants) {
      const consumers = this.#granted.get(node) ?? new Set();
      this.#granted.set(node, consumers.add(consumer));
    }
    return this.enforce();
  }

  /** Resolves when the server enforces members, policy and grants as they are now. Rejects as `reloadServer()` does. */
  enforce(): Promise<void> {
    return this.#config.enforce(() => {
      const consumers = new Map([...this.#granted].map(([node, names]) => [node, [...names].sort()]));
      return compileHubServer({ ...this.#fixed, ...this.#keys, consumers });
    });
  }
}
