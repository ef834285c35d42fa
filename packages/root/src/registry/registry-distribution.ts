import { type Logger, MeshError } from "@adaos/core";
import { delay, messageOf, type PeerClocks, type Program, registryOfferSubject } from "@adaos/core/wire";
import type { Part, PartHealth } from "@adaos/daemon";
import { headingOf, partOf } from "@adaos/registry";
import type { ServedRegistry } from "@adaos/registry-tools";
import {
  type Connection,
  clockIn,
  plainText,
  programHeaders,
  programIn,
  type RegistryOffer,
  type RegistryOfferReply,
} from "@adaos/transport-nats";
import { LimitedLog } from "../limited-log.ts";
import { Slots } from "../slots.ts";

/** Interval of checks for another registry to offer, or another hub. */
const LOOK_MS = 1000;
/** Interval of offers to a hub until it has the registry: a returning hub waits no longer. */
const OFFER_MS = 2000;
/** Interval of offers to a hub that has it: by these, a hub with several root daemons knows that this one is alive. */
const REPEAT_MS = 5000;
const HAS_IT = "has it";
/** An answer lost in a hub's restart must not delay the next offer for long. */
const ANSWER_MS = 2000;
/** A hub checks the whole registry before it answers the last part. */
const PART_ANSWER_MS = 15_000;

/** Pause before a hub that refused the registry gets all parts once more. */
const UNTAKEN_PAUSE_MS = 10_000;
/** Hubs that get parts at a time: each part may be 700 kB, which wait in this process until they are sent. */
const SENT_TOGETHER = 16;
const MAX_ANSWER_LENGTH = 300;
/** An answer is a digest, a number or a sentence. */
const MAX_REPLY_BYTES = 16_384;

export interface RegistryDistributionOptions {
  /** Name of the root daemon. */
  readonly node: string;
  /** The current subnets. */
  readonly subnets: () => readonly string[];
  readonly bundle: () => ServedRegistry | undefined;
  readonly connection: Connection;
  /** Notes when a hub has answered, by its clock, and when it was asked, by this machine's. */
  readonly clocks?: PeerClocks;
  /** Called with the program of each hub that answers. */
  readonly onProgram?: (subnet: string, program: Program | undefined) => void;
  readonly log: Logger;
}

/**
 * Offers the registry to the hub of every subnet. A hub cannot ask the root: requests cross the bridge only to hubs.
 */
export class RegistryDistribution implements Part {
  readonly name = "registry offers";
  readonly #options: RegistryDistributionOptions;
  readonly #log: LimitedLog;
  readonly #closed = new AbortController();
  readonly #sending = new Slots(SENT_TOGETHER);
  /** The last answer of each hub: that it has the registry, or why not. */
  readonly #answers = new Map<string, string>();
  /** Digest of the registry that the answer was about. */
  readonly #about = new Map<string, string>();
  /** Hubs that got parts and refused the whole. */
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
    const answers = [...this.#answers].map(([subnet, said]) => [
      subnet,
      this.#about.get(subnet) === digest ? said : "was offered the one before",
    ]);
    return { ready: true, details: Object.fromEntries(answers) };
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      const subnets = this.#options.subnets();
      const present = new Set(subnets);
      for (const subnet of this.#answers.keys()) if (!present.has(subnet)) this.#forget(subnet);
      // A hub that does not answer must not delay the others.
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
    const pauseMs = this.#answers.get(subnet) === HAS_IT ? REPEAT_MS : OFFER_MS;
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
      const first = await this.#say(subnet, bundle, undefined);
      const reply =
        "next" in first ? await this.#sending.use(() => this.#send(subnet, bundle, first)) : first;
      if (reply === undefined) return;
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

  /** Resolves with the last answer; undefined when there is another registry to offer by now. */
  async #send(
    subnet: string,
    bundle: ServedRegistry,
    first: RegistryOfferReply,
  ): Promise<RegistryOfferReply | undefined> {
    let reply = first;
    // A hub asks for one part after the other; any other order could keep the root busy for ever.
    for (let sent = 0; "next" in reply && reply.next === sent && sent < bundle.bytes.length; ) {
      if (bundle !== this.#options.bundle() || this.#closed.signal.aborted) {
        this.#pausedUntilMs.delete(subnet);
        return undefined;
      }
      this.#pausedUntilMs.set(subnet, performance.now() + UNTAKEN_PAUSE_MS);
      reply = await this.#say(subnet, bundle, sent);
      sent += partOf(bundle, sent).length;
    }
    return reply;
  }

  #forget(subnet: string): void {
    this.#answers.delete(subnet);
    this.#about.delete(subnet);
    this.#offeredMs.delete(subnet);
  }

  #note(subnet: string, said: string): void {
    const told = said.slice(0, MAX_ANSWER_LENGTH);
    if (this.#answers.get(subnet) === told) return;
    this.#answers.set(subnet, told);
    this.#log.info({ subnet, told }, "registry offered");
  }

  /** @param offset Offset of the part to send; undefined: no part. */
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
    const askedMs = Date.now();
    const answer = await connection.nc.request(registryOfferSubject(subnet), JSON.stringify(offer), {
      timeout: offset === undefined ? ANSWER_MS : PART_ANSWER_MS,
      headers: programHeaders(),
    });
    this.#options.onProgram?.(subnet, programIn(answer));
    this.#options.clocks?.noteAnswer(subnet, clockIn(answer), askedMs);
    return parseOfferReply(answer.data);
  }
}

/** Reads a hub's answer to an offer. Throws `invalid-event` for anything else: a hub may be hostile. Pure. */
export function parseOfferReply(body: Uint8Array): RegistryOfferReply {
  let reply: unknown;
  try {
    if (body.length <= MAX_REPLY_BYTES) reply = JSON.parse(new TextDecoder().decode(body));
  } catch {
    // Reported below.
  }
  if (typeof reply === "object" && reply !== null) {
    const { have, next, refused } = reply as Record<string, unknown>;
    if (typeof have === "string") return { have };
    if (Number.isSafeInteger(next)) return { next: next as number };
    if (typeof refused === "string") return { refused: plainText(refused) };
  }
  throw new MeshError("invalid-event", "it answers what is no answer to an offer");
}
