import { decodeEnvelope, type Logger, MeshError } from "@adaos/core";
import {
  delay,
  downlinkDurable,
  EVENT_ROOT,
  eventsStream,
  fillSubject,
  ingestSubject,
  MESH_STREAM,
  refillSubject,
  subjectsOf,
} from "@adaos/core/wire";
import { type Part, type PartHealth, type Progress, Rounds } from "@adaos/daemon";
import {
  type Connection,
  type RefillReply,
  type RefillRequest,
  rewindDurable,
  type StoreDamage,
  type StoredFrom,
  type StoredMessage,
  type StoreKeeper,
  StreamPublisher,
  storedMessages,
} from "@adaos/transport-nats";
import type { JetStreamManager } from "nats";
import { parseFill, type StreamFill } from "../budgets/parse-fill.ts";
import { RefillRoom } from "./refill-room.ts";

export interface RefillsOptions {
  /** The current subnets. */
  readonly subnets: () => readonly string[];
  readonly connection: Connection;
  readonly jsm: JetStreamManager;
  readonly keeper: StoreKeeper;
  readonly log: Logger;
}

type Loss = NonNullable<RefillReply["lost"]>;

/** Events that are given back together. */
interface Chunk {
  readonly messages: [StoredMessage, ...StoredMessage[]];
  bytes: number;
}

const ASK_MS = 5000;
const ANSWER_MS = 2000;
/** Allowance for different clocks of the machines. */
const CLOCK_MS = 60_000;
/** Events in flight to a hub. */
const TOGETHER = 200;
const TOGETHER_BYTES = 1_048_576;
/** Of a stored event, beside its body: subject, headers, and the store's own. */
const HEAD_BYTES = 512;
/** A hub that always reports losses harms nobody: it gets only its own events, and at most this often. */
const AGAIN_MS = 15_000;
const MAX_ANSWER_BYTES = 1024;

/** The name, in the file of positions, of the place from which a hub must send again. */
function resendOf(subnet: string): string {
  return `resend ${subnet}`;
}

/**
 * Asks every hub for losses of its stream, and restores them: events of other subnets by its downlink, its own exported
 * events from the root's stream. For losses of the root's stream it asks the hubs in turn.
 */
export class Refills implements Part {
  readonly name = "refills";
  readonly #options: RefillsOptions;
  readonly #publisher: StreamPublisher;
  readonly #stopped = new AbortController();
  readonly #rounds = new Rounds();
  /** Where a refill that found no room goes on, by subnet: what is given back a second time may be stored twice. */
  readonly #begun = new Map<string, { readonly id: string; readonly seq: number }>();
  /** The last restored loss of each subnet, and its time. */
  readonly #refilled = new Map<string, { readonly id: string; readonly doneMs: number }>();
  #returned = 0;
  #asking: Promise<void> | undefined;

  constructor(options: RefillsOptions) {
    this.#options = options;
    this.#publisher = new StreamPublisher(options.connection);
  }

  async start(): Promise<void> {
    this.#asking = this.#ask();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#asking;
    await this.#publisher.close();
  }

  health(): PartHealth {
    return {
      ready: true,
      details: { returned: this.#returned, open: [...this.#options.keeper.open.keys()] },
    };
  }

  progress(): Progress {
    return this.#rounds.progress;
  }

  /**
   * Notes that the root's stream was found damaged: each hub must send its possibly lost events again. Returns whether
   * any event was lost.
   */
  onDamage({ stream, lost, mark }: StoreDamage): boolean {
    if (stream !== MESH_STREAM || lost.length === 0) return false;
    const { keeper, subnets } = this.#options;
    for (const subnet of subnets()) {
      const from = (mark?.links?.places[subnet] ?? 0) + 1;
      const open = Number(keeper.open.get(resendOf(subnet)) ?? Number.POSITIVE_INFINITY);
      keeper.setOpen(resendOf(subnet), String(Math.min(from, open)));
    }
    return true;
  }

  async #ask(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await Promise.all(this.#options.subnets().map((subnet) => this.#askOne(subnet)));
      this.#rounds.done();
      await delay(ASK_MS, signal);
    }
  }

  /** Never rejects: a hub that is away, or older than this service, is asked again. */
  async #askOne(subnet: string): Promise<void> {
    const { connection, keeper, log } = this.#options;
    const open = keeper.open.get(resendOf(subnet));
    const refilled = this.#refilled.get(subnet);
    const request: RefillRequest = {
      ...(open === undefined ? {} : { resendFrom: Number(open) }),
      ...(refilled === undefined ? {} : { refilled: refilled.id }),
    };
    let reply: RefillReply;
    try {
      const text = JSON.stringify(request);
      const answer = await connection.nc.request(refillSubject(subnet), text, { timeout: ANSWER_MS });
      reply = parseRefill(answer.data);
    } catch {
      return;
    }
    if (open !== undefined && reply.resentFrom === Number(open)) {
      keeper.setOpen(resendOf(subnet), undefined);
      log.warn({ subnet, from: reply.resentFrom }, "root's stream is refilled by a hub");
    }
    const { lost } = reply;
    if (lost === undefined || lost.id === refilled?.id) return;
    if (refilled !== undefined && performance.now() - refilled.doneMs < AGAIN_MS) return;
    try {
      if (!(await this.#refill(subnet, lost))) return;
      this.#begun.delete(subnet);
      this.#refilled.set(subnet, { id: lost.id, doneMs: performance.now() });
    } catch (err) {
      log.warn({ subnet, ...lost, err }, "hub's stream not refilled");
    }
  }

  /**
   * Sends a hub the events that its stream has lost since a time. Resolves with whether these were all; without room it
   * goes on when it is asked again. Rejects with `unavailable`.
   */
  async #refill(subnet: string, { id, since }: Loss): Promise<boolean> {
    const { log } = this.#options;
    const sinceMs = Date.parse(since) - CLOCK_MS;
    const begun = this.#begun.get(subnet);
    const goesOn = begun?.id === id;
    if (!goesOn) await this.#rewindDownlink(subnet, sinceMs);
    const from = goesOn ? { seq: begun.seq } : { time: new Date(Math.max(0, sinceMs)) };
    let returned = 0;
    const room = new RefillRoom();
    for await (const { messages, bytes } of this.#chunks(subnet, from)) {
      if (this.#stopped.signal.aborted) return false;
      const [{ seq }] = messages;
      this.#begun.set(subnet, { id, seq });
      if (!room.take(bytes, await this.#fillOf(subnet))) {
        // Logged once, and not at each try.
        if (begun?.seq !== seq)
          log.warn({ subnet, since, returned, stream: eventsStream(subnet) }, "refill waits for room");
        return false;
      }
      const count = await this.#giveBack(subnet, messages);
      returned += count;
      this.#returned += count;
      this.#rounds.done();
    }
    log.warn({ subnet, since, returned }, "hub's stream refilled");
    return true;
  }

  /** Missing events are delivered again: the hub recognises stored ones by id, and handlers by their marks. */
  async #rewindDownlink(subnet: string, sinceMs: number): Promise<void> {
    const { jsm, keeper } = this.#options;
    const consumer = downlinkDurable(subnet);
    const seq = (keeper.linkPlacesBefore(MESH_STREAM, sinceMs)?.[consumer] ?? 0) + 1;
    const position = await rewindDurable(jsm, MESH_STREAM, consumer, seq);
    if (position !== undefined) keeper.noteDurable(MESH_STREAM, consumer, position);
  }

  async *#chunks(subnet: string, from: StoredFrom): AsyncGenerator<Chunk> {
    const own = subjectsOf(EVENT_ROOT, subnet);
    let chunk: Chunk | undefined;
    for await (const message of storedMessages(this.#options.connection, MESH_STREAM, own, from)) {
      if (chunk === undefined) chunk = { messages: [message], bytes: 0 };
      else chunk.messages.push(message);
      chunk.bytes += message.body.length + HEAD_BYTES;
      if (chunk.messages.length < TOGETHER && chunk.bytes < TOGETHER_BYTES) continue;
      yield chunk;
      chunk = undefined;
    }
    if (chunk !== undefined) yield chunk;
  }

  /** Undefined when a hub does not say so; it refuses what it cannot store. */
  async #fillOf(subnet: string): Promise<StreamFill | undefined> {
    const { nc } = this.#options.connection;
    try {
      const fill = parseFill((await nc.request(fillSubject(subnet), "", { timeout: ANSWER_MS })).data, []);
      return fill.maxBytes === 0 ? undefined : fill;
    } catch {
      return undefined;
    }
  }

  async #giveBack(subnet: string, messages: readonly StoredMessage[]): Promise<number> {
    const publishes = messages.map(async ({ subject, headers, body }) => {
      const id = idIn(body);
      if (id === undefined) return 0;
      await this.#publisher.publish({ subject: ingestSubject(subnet, subject), id, headers, body });
      return 1;
    });
    return (await Promise.all(publishes)).reduce<number>((sum, one) => sum + one, 0);
  }
}

/** The id by which a stream recognises an event; undefined for any other message. */
function idIn(body: Uint8Array): string | undefined {
  try {
    return decodeEnvelope(body, false).event_id;
  } catch {
    return undefined;
  }
}

/** A hub may be hostile: only the requested fields count. Throws `invalid-event`. Pure. */
export function parseRefill(body: Uint8Array): RefillReply {
  const text = body.length > MAX_ANSWER_BYTES ? "" : new TextDecoder().decode(body);
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch (cause) {
    throw new MeshError("invalid-event", "the hub does not say what its stream has lost", { cause });
  }
  if (typeof answer !== "object" || answer === null)
    throw new MeshError("invalid-event", "the hub does not say what its stream has lost");
  const { resentFrom, lost } = answer as Record<string, unknown>;
  return {
    ...(typeof resentFrom === "number" ? { resentFrom } : {}),
    ...(isLoss(lost) ? { lost: { id: lost.id, since: lost.since } } : {}),
  };
}

function isLoss(lost: unknown): lost is Loss {
  const { id, since } = (lost ?? {}) as Record<string, unknown>;
  return typeof id === "string" && typeof since === "string" && !Number.isNaN(Date.parse(since));
}
