import { type Logger, MeshError } from "@adaos/core";
import { delay, messageOf, registryOfferSubject } from "@adaos/core/wire";
import type { Part, PartHealth } from "@adaos/daemon";
import { headingOf, partOf } from "@adaos/registry";
import type { ServedRegistry } from "@adaos/registry-tools";
import {
  type Connection,
  plainText,
  type RegistryOffer,
  type RegistryOfferReply,
} from "@adaos/transport-nats";
import { LimitedLog } from "../limited-log.ts";

/** How often it is looked whether there is another registry to offer, or another hub. */
const LOOK_MS = 1000;
/** How often each hub is offered the registry until it has it: a hub that comes back waits no longer. */
const OFFER_MS = 2000;
/** How often one that has it: several root daemons tell by it that this one is there. */
const REPEAT_MS = 5000;
const HAS_IT = "has it";
/** What is lost while a hub restarts must not keep the next offer waiting for long. */
const ANSWER_MS = 2000;
/** A hub checks the whole registry before it answers the last part. */
const PART_ANSWER_MS = 15_000;

/** Before a hub is handed all parts once more, when it has not taken them. */
const UNTAKEN_PAUSE_MS = 10_000;
const MAX_TOLD = 300;
/** An answer is a digest, a number or a sentence. */
const MAX_REPLY_BYTES = 16_384;

export interface RegistryDistributionOptions {
  /** The root daemon. */
  readonly node: string;
  /** Those that there are now. */
  readonly subnets: () => readonly string[];
  readonly bundle: () => ServedRegistry | undefined;
  readonly connection: Connection;
  readonly log: Logger;
}

/** Offers the registry to the hub of every subnet. A hub cannot ask: across the bridge it is only ever asked. */
export class RegistryDistribution implements Part {
  readonly name = "registry offers";
  readonly #options: RegistryDistributionOptions;
  readonly #log: LimitedLog;
  readonly #closed = new AbortController();
  /** What each hub has said last: that it has the registry, or why not. */
  readonly #told = new Map<string, string>();
  /** Digest of the registry that it was about. */
  readonly #about = new Map<string, string>();
  /** Hubs that were handed parts and have not taken the whole. */
  readonly #pausedUntilMs = new Map<string, number>();
  readonly #offering = new Map<string, Promise<void>>();
  readonly #offeredMs = new Map<string, number>();
  #running: Promise<void> | undefined;

  constructor(options: RegistryDistributionOptions) {
    this.#options = options;
    this.#log = new LimitedLog(options.log);
  }

  async start(): Promise<void> {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#closed.abort();
    await this.#running;
  }

  health(): PartHealth {
    const digest = this.#options.bundle()?.digest;
    const told = [...this.#told].map(([subnet, said]) => [
      subnet,
      this.#about.get(subnet) === digest ? said : "was offered the one before",
    ]);
    return { ready: true, details: Object.fromEntries(told) };
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      const subnets = this.#options.subnets();
      for (const subnet of this.#told.keys()) if (!subnets.includes(subnet)) this.#forget(subnet);
      // One that does not answer must not keep the others waiting.
      for (const subnet of subnets) {
        if (this.#offering.has(subnet) || !this.#isDue(subnet)) continue;
        const offered = this.#offer(subnet).finally(() => this.#offering.delete(subnet));
        this.#offering.set(subnet, offered);
      }
      await delay(LOOK_MS, signal);
    }
  }

  #isDue(subnet: string): boolean {
    if (this.#about.get(subnet) !== this.#options.bundle()?.digest) return true;
    const pauseMs = this.#told.get(subnet) === HAS_IT ? REPEAT_MS : OFFER_MS;
    return (
      performance.now() - (this.#offeredMs.get(subnet) ?? Number.NEGATIVE_INFINITY) >= pauseMs - LOOK_MS / 2
    );
  }

  /** Never rejects. */
  async #offer(subnet: string): Promise<void> {
    const bundle = this.#options.bundle();
    if (bundle === undefined) return;
    if (performance.now() < (this.#pausedUntilMs.get(subnet) ?? 0)) return;
    this.#offeredMs.set(subnet, performance.now());
    try {
      let reply = await this.#say(subnet, bundle, undefined);
      // A hub asks for one part after the other; one that asks otherwise would keep the root busy for ever.
      for (let sent = 0; "next" in reply && reply.next === sent && sent < bundle.bytes.length; ) {
        if (bundle !== this.#options.bundle() || this.#closed.signal.aborted) {
          this.#pausedUntilMs.delete(subnet);
          return;
        }
        this.#pausedUntilMs.set(subnet, performance.now() + UNTAKEN_PAUSE_MS);
        reply = await this.#say(subnet, bundle, sent);
        sent += partOf(bundle, sent).length;
      }
      this.#about.set(subnet, bundle.digest);
      if (!("have" in reply))
        return this.#note(subnet, "refused" in reply ? reply.refused : "takes no part of it");
      this.#pausedUntilMs.delete(subnet);
      this.#note(subnet, HAS_IT);
    } catch (thrown) {
      this.#about.set(subnet, bundle.digest);
      this.#note(subnet, `does not answer: ${messageOf(thrown)}`);
    }
  }

  #forget(subnet: string): void {
    this.#told.delete(subnet);
    this.#about.delete(subnet);
    this.#offeredMs.delete(subnet);
  }

  #note(subnet: string, said: string): void {
    const told = said.slice(0, MAX_TOLD);
    if (this.#told.get(subnet) === told) return;
    this.#told.set(subnet, told);
    this.#log.info({ subnet, told }, "registry offered");
  }

  /** @param offset Of the part to send; nothing: none. */
  async #say(
    subnet: string,
    bundle: ServedRegistry,
    offset: number | undefined,
  ): Promise<RegistryOfferReply> {
    const { node: root, connection } = this.#options;
    const offer: RegistryOffer = {
      root,
      ...headingOf(bundle),
      ...(offset === undefined
        ? {}
        : { part: { offset, base64: Buffer.from(partOf(bundle, offset)).toString("base64") } }),
    };
    const answer = await connection.nc.request(registryOfferSubject(subnet), JSON.stringify(offer), {
      timeout: offset === undefined ? ANSWER_MS : PART_ANSWER_MS,
    });
    return parseOfferReply(answer.data);
  }
}

/** Reads what a hub answers to an offer. Throws `invalid-event` for anything else: a hub may say anything. Pure. */
export function parseOfferReply(body: Uint8Array): RegistryOfferReply {
  let reply: unknown;
  try {
    if (body.length <= MAX_REPLY_BYTES) reply = JSON.parse(new TextDecoder().decode(body));
  } catch {
    // Said below.
  }
  if (typeof reply === "object" && reply !== null) {
    const { have, next, refused } = reply as Record<string, unknown>;
    if (typeof have === "string") return { have };
    if (Number.isSafeInteger(next)) return { next: next as number };
    if (typeof refused === "string") return { refused: plainText(refused) };
  }
  throw new MeshError("invalid-event", "it answers what is no answer to an offer");
}
