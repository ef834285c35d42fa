import { type Logger, messageOf, registryOfferSubject } from "@adaos/core";
import type { Part, PartHealth } from "@adaos/daemon";
import { headingOf, partOf, type RegistryBundle } from "@adaos/registry";
import { type Connection, delay, type RegistryOffer, type RegistryOfferReply } from "@adaos/transport-nats";

/** How often each hub is offered the registry: a hub that comes back, or an operator's change, waits no longer. */
const OFFER_MS = 2000;
/** A hub checks the whole registry before it answers the last part. */
const ANSWER_MS = 15_000;

export interface RegistryOffersOptions {
  /** The root daemon. */
  readonly node: string;
  /** Those that there are now. */
  readonly subnets: () => readonly string[];
  readonly bundle: () => RegistryBundle | undefined;
  readonly connection: Connection;
  readonly log: Logger;
}

/** Offers the registry to the hub of every subnet. A hub cannot ask: across the bridge it is only ever asked. */
export class RegistryOffers implements Part {
  readonly name = "registry offers";
  readonly #options: RegistryOffersOptions;
  readonly #closed = new AbortController();
  /** What each hub has said last: that it has the registry, or why not. */
  readonly #told = new Map<string, string>();
  readonly #offering = new Map<string, Promise<void>>();
  #running: Promise<void> | undefined;

  constructor(options: RegistryOffersOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#closed.abort();
    await this.#running;
  }

  health(): PartHealth {
    return { ready: true, details: Object.fromEntries(this.#told) };
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      const subnets = this.#options.subnets();
      for (const subnet of this.#told.keys()) if (!subnets.includes(subnet)) this.#told.delete(subnet);
      // One that does not answer must not keep the others waiting.
      for (const subnet of subnets) {
        if (this.#offering.has(subnet)) continue;
        const offered = this.#offer(subnet).finally(() => this.#offering.delete(subnet));
        this.#offering.set(subnet, offered);
      }
      await delay(OFFER_MS, signal);
    }
  }

  /** Never rejects. */
  async #offer(subnet: string): Promise<void> {
    const bundle = this.#options.bundle();
    if (bundle === undefined) return;
    try {
      let reply = await this.#say(subnet, bundle, undefined);
      while ("next" in reply && bundle === this.#options.bundle() && !this.#closed.signal.aborted)
        reply = await this.#say(subnet, bundle, reply.next);
      if ("have" in reply) this.#note(subnet, "has it");
      if ("refused" in reply) this.#note(subnet, reply.refused);
    } catch (thrown) {
      this.#note(subnet, `does not answer: ${messageOf(thrown)}`);
    }
  }

  #note(subnet: string, told: string): void {
    if (this.#told.get(subnet) === told) return;
    this.#told.set(subnet, told);
    this.#options.log.info({ subnet, told }, "registry offered");
  }

  /** @param offset Of the part to send; nothing: none. */
  async #say(
    subnet: string,
    bundle: RegistryBundle,
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
      timeout: ANSWER_MS,
    });
    return answer.json<RegistryOfferReply>();
  }
}
