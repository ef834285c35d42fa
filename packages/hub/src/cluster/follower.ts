import { type Logger, MeshError } from "@adaos/core";
import { delay, FELLOW_RIGHTS, FELLOW_SERVICE } from "@adaos/core/wire";
import { BundleCache, type BundleHeading, PartialBundle } from "@adaos/registry";
import type { Connection, PositionFile, RegistryReply } from "@adaos/transport-nats";
import type { Msg, Subscription } from "nats";
import type { ServerGrants, SharedRights } from "../server-grants.ts";
import { type FellowRequest, type FellowState, packed, unpacked } from "./fellows.ts";

export interface FollowerOptions {
  /** Name of this daemon: `hub-2`. */
  readonly node: string;
  readonly connection: Connection;
  readonly grants: ServerGrants;
  readonly positions: PositionFile | undefined;
  readonly registryCache: string | undefined;
  readonly log: Logger;
}

const ASK_MS = 5000;
const RETRY_MS = 500;
const ANSWER_MS = 2000;

/**
 * Follows the daemon that serves the subnet, while this one stands by: puts its rights in force at the server beside
 * this one, and keeps its positions and registry, to go on from them.
 */
export class Follower {
  readonly #options: FollowerOptions;
  #stopped = new AbortController();
  #subscription: Subscription | undefined;
  #looping: Promise<void> = Promise.resolve();
  #digest: string | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#stopped = new AbortController();
    this.#subscription = this.#options.connection.nc.subscribe(FELLOW_RIGHTS, {
      callback: (error, msg) => {
        if (error === null) void this.#onRights(msg);
      },
    });
    this.#looping = this.#loop(this.#stopped.signal);
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#subscription?.unsubscribe();
    await this.#looping;
  }

  async #loop(signal: AbortSignal): Promise<void> {
    let trouble: string | undefined;
    while (!signal.aborted) {
      try {
        await this.#follow(signal);
        trouble = undefined;
      } catch (thrown) {
        const { message } = MeshError.from(thrown, "unavailable", "the serving hub daemon does not answer");
        if (message !== trouble)
          this.#options.log.info({ reason: message }, "serving hub daemon not followed");
        trouble = message;
      }
      await delay(trouble === undefined ? ASK_MS : RETRY_MS, signal);
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { rights, positions, registry } = await this.#ask<FellowState>({});
    if (signal.aborted) return;
    await this.#options.grants.follow(rights);
    // The one that has taken over writes this file itself.
    if (signal.aborted) return;
    if (positions !== undefined && positions !== this.#options.positions?.read())
      this.#options.positions?.write(positions);
    await this.#followRegistry(registry);
  }

  async #followRegistry({ hash, digest, bytes }: RegistryReply): Promise<void> {
    if (hash === undefined || digest === undefined || bytes === undefined || digest === this.#digest) return;
    const { registryCache, log } = this.#options;
    const cache = new BundleCache(registryCache, log);
    if ((await cache.read())?.digest !== digest) {
      const bundle = await this.#fetchRegistry({ hash, digest, bytes });
      if (bundle === undefined) return;
      await cache.write(await bundle.read(cache.proof));
    }
    this.#digest = digest;
  }

  /** Undefined when it has changed meanwhile. */
  async #fetchRegistry(heading: BundleHeading): Promise<PartialBundle | undefined> {
    const arriving = new PartialBundle(heading, "the hub");
    const { digest } = heading;
    while (!arriving.isComplete) {
      const { offset } = arriving;
      const reply = await this.#ask<RegistryReply>({ part: { digest, offset } });
      const part = reply.digest === digest ? reply.partBase64 : undefined;
      if (part === undefined || !arriving.add(offset, Buffer.from(part, "base64"))) return undefined;
    }
    return arriving;
  }

  async #ask<T>(question: Omit<FellowRequest, "node">): Promise<T> {
    const { connection, node } = this.#options;
    const request = JSON.stringify({ node, ...question });
    const answer = await connection.nc.request(FELLOW_SERVICE, request, { timeout: ANSWER_MS });
    return unpacked<T>(answer.data);
  }

  async #onRights(msg: Msg): Promise<void> {
    const { grants, log, connection } = this.#options;
    try {
      await grants.follow(unpacked<SharedRights>(msg.data));
      if (!connection.nc.isClosed()) msg.respond(packed({}));
    } catch (err) {
      // The next look at the state tries again.
      log.warn({ err }, "rights not in force at the server beside this daemon yet");
    }
  }
}
