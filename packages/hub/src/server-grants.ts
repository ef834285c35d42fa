import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { compileHubServer, type HubServerSettings, reloadServer } from "@adaos/nats-server";
import type { NatsConnection } from "nats";

const ANSWER_MS = 3000;

/** Everything of the server's config but which consumers a member may pull from. */
export type FixedSettings = Omit<HubServerSettings, "consumers">;

/**
 * Which consumers each member may pull from, as the server enforces it. The server knows literal names only, so a new
 * durable is a new line in its config and a reload, which takes milliseconds and disturbs no connection.
 */
export class ServerGrants {
  readonly #configFile: string;
  readonly #fixed: FixedSettings;
  readonly #system: NatsConnection;
  readonly #granted = new Map<string, Set<string>>();
  /** The config that the server last took from here, and what it calls that config. */
  #enforced: { readonly config: string; readonly digest: string } | undefined;
  #applying: Promise<void> = Promise.resolve();

  constructor(configFile: string, fixed: FixedSettings, system: NatsConnection) {
    this.#configFile = configFile;
    this.#fixed = fixed;
    this.#system = system;
  }

  /** How many consumers a member may pull from. */
  count(node: string): number {
    return this.#granted.get(node)?.size ?? 0;
  }

  has(node: string, consumer: string): boolean {
    return this.#granted.get(node)?.has(consumer) === true;
  }

  /** Grants consumers and resolves when the server enforces it. Rejects as {@link reloadServer} does. */
  grant(grants: Iterable<readonly [node: string, consumer: string]>): Promise<void> {
    for (const [node, consumer] of grants) {
      const consumers = this.#granted.get(node) ?? new Set();
      this.#granted.set(node, consumers.add(consumer));
    }
    const applied = this.#applying.then(() => this.#apply());
    // The next one goes on whatever became of this one; who asked for this one is told.
    this.#applying = applied.catch(() => undefined);
    return applied;
  }

  async #apply(): Promise<void> {
    const consumers = new Map([...this.#granted].map(([node, names]) => [node, [...names].sort()]));
    const config = compileHubServer({ ...this.#fixed, consumers });
    // While a server reads its config it refuses whoever connects, and JetStream does not answer: not without need. A
    // server that came back may obey an older file, so it is asked and not the file.
    if (config === this.#enforced?.config && (await this.#askDigest()) === this.#enforced.digest) return;
    if (config !== readFileSync(this.#configFile, "utf8")) {
      writeFileSync(`${this.#configFile}.new`, config, { mode: 0o600 });
      renameSync(`${this.#configFile}.new`, this.#configFile);
    }
    // Also when the file is right already: the server may have been started before it was.
    await reloadServer(this.#system);
    const digest = await this.#askDigest();
    this.#enforced = digest === undefined ? undefined : { config, digest };
  }

  /** The server's name for the config it obeys; nothing when it does not tell. */
  async #askDigest(): Promise<string | undefined> {
    try {
      const answer = await this.#system.request("$SYS.REQ.SERVER.PING.VARZ", undefined, {
        timeout: ANSWER_MS,
      });
      return answer.json<{ data?: { config_digest?: string } }>().data?.config_digest;
    } catch {
      // The reload that follows says what is wrong.
      return undefined;
    }
  }
}
