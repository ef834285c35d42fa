import type { Logger } from "@adaos/core";
import { delay, type Figure, messageOf, type NodeAddress, PeerClocks } from "@adaos/core/wire";
import type { Part, PartHealth } from "@adaos/daemon";
import {
  BundleCache,
  type BundleHeading,
  type LiveRegistry,
  PartialBundle,
  type RegistryBundle,
  shortHash,
} from "@adaos/registry";
import { askHub, type Connection, type RegistryReply, type RegistryRequest } from "@adaos/transport-nats";

/** Interval of questions to the hub about a new registry, normally and while it does not answer. */
const ASK_MS = 2000;
const MAX_ASK_MS = 4000;
/** Spreads the questions, so that not all members ask at once. */
const SPREAD = 0.25;
const ANSWER_MS = 3000;

export interface RegistryFollowerOptions {
  readonly address: NodeAddress;
  readonly registry: LiveRegistry;
  /** Absent: the served registry is not kept for when the hub is away. */
  readonly cacheFile: string | undefined;
  readonly connection: Promise<Connection>;
  readonly log: Logger;
}

/** Uses the registry that the hub serves, beside the member's own, and reports where the two differ. */
export class RegistryFollower implements Part {
  readonly name = "registry";
  readonly #options: RegistryFollowerOptions;
  readonly #cache: BundleCache;
  readonly #closed = new AbortController();
  /** Digest of the document in use. */
  #digest: string | undefined;
  #hubHash: string | undefined;
  readonly #clocks = new PeerClocks();
  /** A document that cannot be used, with the reason: it is not requested again. */
  #refused: { readonly digest: string; readonly reason: string } | undefined;
  #following: Promise<void> | undefined;

  constructor(options: RegistryFollowerOptions) {
    this.#options = options;
    this.#cache = new BundleCache(options.cacheFile, options.log);
  }

  /** Resolves when the registry that was served last is in use, whether the hub is there or not. */
  async start(): Promise<void> {
    if (this.#following !== undefined) return;
    const { registry, log } = this.#options;
    log.info({ hash: registry.own.hash, dir: registry.own.dir }, "registry loaded");
    const kept = await this.#cache.read();
    if (kept !== undefined) this.#take(kept);
    this.#following = this.#follow();
  }

  async stop(): Promise<void> {
    this.#closed.abort();
    await this.#following;
  }

  health(): PartHealth {
    const { own, relation } = this.#options.registry;
    const hash = shortHash(own.hash);
    const details = {
      hash: own.hash,
      hub: this.#hubHash ?? null,
      relation: relation ?? null,
      clocks: this.#clocks.off(),
    };
    const told = this.#hubHash === undefined ? undefined : shortHash(this.#hubHash);
    if (told === undefined || told === hash) return { ready: true, note: `registry ${hash}`, details };
    const why = this.#refused === undefined ? "" : `, which is not taken: ${this.#refused.reason}`;
    const note = `registry ${this.#refused === undefined ? (relation ?? "other") : "other"}: ${hash} here, ${told} at the hub${why}`;
    return { ready: true, note, details };
  }

  figures(): readonly Figure[] {
    const { own } = this.#options.registry;
    // After the hub's registry was taken, that one is in force.
    const hash = this.#digest === undefined ? own.hash : (this.#hubHash ?? own.hash);
    return [{ metric: "registryInfo", labels: [hash], value: 1 }];
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closed;
    const connection = await this.#options.connection.catch(() => undefined);
    let waitMs = ASK_MS;
    while (connection !== undefined && !signal.aborted) {
      try {
        await this.#look(connection);
        waitMs = ASK_MS;
      } catch (err) {
        if (!signal.aborted) this.#options.log.debug({ err }, "the hub does not report its registry");
        waitMs = Math.min(waitMs * 2, MAX_ASK_MS);
      }
      await delay(waitMs * (1 + SPREAD * Math.random()), signal);
    }
  }

  async #look(connection: Connection): Promise<void> {
    const { hash, digest, bytes } = await this.#ask(connection, {});
    if (hash === undefined || digest === undefined || bytes === undefined) return;
    const isNews = hash !== this.#hubHash;
    this.#hubHash = hash;
    if (digest === this.#digest || digest === this.#refused?.digest) return;
    this.#refused = undefined;
    const { registry } = this.#options;
    if (hash === registry.own.hash) {
      this.#digest = digest;
      registry.serve(registry.own);
      if (isNews) this.#tell(hash);
      await this.#cache.clear();
    } else {
      const bundle = await this.#fetch(connection, { hash, digest, bytes });
      if (bundle === undefined) return;
      this.#take(bundle);
      if (isNews) this.#tell(hash);
      await this.#cache.write(bundle);
    }
  }

  /** Undefined when the hub serves another registry meanwhile, or one that cannot be used. */
  async #fetch(connection: Connection, heading: BundleHeading): Promise<RegistryBundle | undefined> {
    const { digest } = heading;
    try {
      const partial = new PartialBundle(heading, "the hub");
      while (!partial.isComplete) {
        const { offset } = partial;
        const { partBase64 } = await this.#ask(connection, { part: { digest, offset } });
        if (partBase64 === undefined || !partial.add(offset, Buffer.from(partBase64, "base64")))
          return undefined;
      }
      return await partial.read(this.#cache.proof);
    } catch (err) {
      if ((err as { code?: unknown }).code === "unavailable") throw err;
      this.#refused = { digest, reason: messageOf(err) };
      this.#options.log.error({ hash: heading.hash, err }, "the hub's registry is rejected");
      return undefined;
    }
  }

  #take({ registry: served, digest }: RegistryBundle): void {
    this.#digest = digest;
    this.#hubHash = served.hash;
    this.#options.registry.serve(served);
  }

  #tell(hub: string): void {
    const { registry, log } = this.#options;
    const { relation, own } = registry;
    const fields = { here: own.hash, hub, relation };
    if (relation === "same") log.info(fields, "registry is that of the hub");
    else log.warn(fields, "registry is not that of the hub; the hub's is used beside it");
  }

  #ask(connection: Connection, request: RegistryRequest): Promise<RegistryReply> {
    return askHub<RegistryReply>(
      connection,
      this.#options.address.node,
      "registry",
      request,
      ANSWER_MS,
      this.#clocks,
    );
  }
}
