import {
  type EventPattern,
  type Logger,
  MeshError,
  parseEventPattern,
  parseEventRef,
  patternMatches,
} from "@adaos/core";
import {
  type Denials,
  DURABLE_METADATA,
  eventsStream,
  formatSubject,
  MAX_PARKED_AT_ONCE,
  memberConsumer,
  originTokenProblem,
  parkedLetter,
  parkedStream,
  parseDeliverySubject,
  parseParkedPlace,
  type Signatures,
  subjectMatches,
} from "@adaos/core/wire";
import {
  type Connection,
  DeadLetterQueue,
  type ParkedReply,
  type ParkedRequest,
  type ParkReply,
  type ParkRequest,
  type ReleaseReply,
  type ReleaseRequest,
  type StoredMessage,
  storedMessages,
} from "@adaos/transport-nats";
import type { JetStreamManager } from "nats";
import { z } from "zod";
import type { ServerGrants } from "../server-grants.ts";
import { parseRequest } from "../services/parse-request.ts";
import type { ParkedIndex, Wait } from "./parked-index.ts";
import { type Claim, type DurableOfNode, keyOf, type NotParked, ParkedStore } from "./parked-store.ts";

const durable = z.string().superRefine((text, context) => {
  const problem = originTokenProblem(text);
  if (problem !== undefined) context.addIssue(problem);
});
const seq = z.number().int().min(1);
const parkRequest: z.ZodType<ParkRequest> = z.strictObject({
  durable,
  seqs: z.array(seq).min(1).max(MAX_PARKED_AT_ONCE),
});
const parkedRequest: z.ZodType<ParkedRequest> = z.strictObject({
  durable,
  after: z.string().max(256).exactOptional(),
});
const releaseRequest: z.ZodType<ReleaseRequest> = z.strictObject({
  durable,
  event: z.string().max(256),
  after: z.number().int().min(0),
});

/** Events listed in one answer. */
const MAX_EVENTS = 1000;
/** Events released at a time: an answer must come in time, and other members wait. */
const MAX_RELEASED = 256;
/** Bytes of events in memory at a time; one event may be larger. */
const MAX_BYTES = 4 * 1024 * 1024;
/** Requests to park that share a turn. */
const MAX_TOGETHER = 16;
/** Places with a larger gap are read separately. */
const MAX_GAP = 16;

export interface ParkingServiceOptions {
  readonly subnet: string;
  readonly connection: Connection;
  readonly jsm: JetStreamManager;
  readonly grants: ServerGrants;
  readonly signatures: Signatures;
  /** Reports events for which there is no room. */
  readonly denials: Pick<Denials, "note">;
  readonly log: Logger;
}

interface Taken {
  readonly of: DurableOfNode;
  readonly pattern: EventPattern;
  /** Filters of the durable's subjects; replays last. */
  readonly filters: readonly string[];
}

/** A request to park, and its refused events. */
interface Ask {
  readonly of: DurableOfNode;
  readonly filters: readonly string[];
  readonly seqs: ReadonlySet<number>;
  readonly refused: number[];
}

/** Requests that share a turn. */
interface Group {
  readonly asks: Ask[];
  readonly done: Promise<void>;
}

/**
 * Parks the events whose schema members do not know, lists them, and releases them to their durables. A member names
 * only places in the stream; the hub reads the events there itself.
 */
export class ParkingService {
  readonly #options: ParkingServiceOptions;
  readonly #store: ParkedStore;
  readonly #letters: DeadLetterQueue;
  /** The group of requests that waits for its turn. */
  #group: Group | undefined;

  constructor(options: ParkingServiceOptions) {
    const { subnet, connection, jsm, signatures, log } = options;
    this.#options = options;
    this.#store = new ParkedStore(subnet, connection, jsm, log);
    this.#letters = new DeadLetterQueue(subnet, connection, jsm, signatures);
  }

  /**
   * Parks events that a durable of this member receives. It refuses an event whose origin has no room left, a message
   * that is not an event, and an event that is not the durable's: none of them may block the durable. Rejects with
   * `usage`, `denied` or an error of the client.
   */
  async park(node: string, body: unknown): Promise<ParkReply> {
    const request = parseRequest(parkRequest, body, "the request");
    const { of, filters } = await this.#taken(node, request.durable);
    const ask: Ask = { of, filters, seqs: new Set(request.seqs), refused: [] };
    const group = this.#group ?? this.#newGroup();
    if (group.asks.push(ask) >= MAX_TOGETHER) this.#group = undefined;
    await group.done;
    return { refused: ask.refused };
  }

  /** Rejects with `usage`, `denied` or an error of the client. */
  async parked(node: string, body: unknown): Promise<ParkedReply> {
    const { durable, after = "" } = parseRequest(parkedRequest, body, "the request");
    const { of, pattern } = await this.#taken(node, durable);
    return this.#store.alone(async (known) => {
      const book = after === "" ? await this.#store.fresh(known) : known;
      const all = [...book.eventsOf(keyOf(of))].filter(
        (event) => event > after && patternMatches(pattern, ...refOf(event)),
      );
      const events = all.sort().slice(0, MAX_EVENTS);
      return events.length < all.length ? { events, more: true } : { events };
    });
  }

  /**
   * Releases a page of them, in the order of the subnet's stream; each is stored for its durable before its record is
   * removed. Rejects with `usage`, `denied`, `backpressure` or an error of the client.
   */
  async release(node: string, body: unknown): Promise<ReleaseReply> {
    const { durable, event, after } = parseRequest(releaseRequest, body, "the request");
    const { of, filters } = await this.#taken(node, durable);
    return this.#store.alone(async (book) => {
      const waits = book.waitsOf(keyOf(of), event, after);
      const page = pageOf(waits);
      // Events that the durable no longer receives stay where an operator finds them.
      const taken = page.filter(({ address }) => isTaken(formatSubject(address), filters));
      const released = await this.#giveBack(book, of, taken);
      const last = page.at(-1);
      return last === undefined || page.length === waits.length ? { released } : { released, next: last.seq };
    });
  }

  async close(): Promise<void> {
    await this.#store.close();
    await this.#letters.close();
  }

  /**
   * Resolves with the number of released events. Rejects when an event could not be released for a transient reason.
   */
  async #giveBack(book: ParkedIndex, of: DurableOfNode, waits: readonly Wait[]): Promise<number> {
    const { subnet } = this.#options;
    const stream = parkedStream(subnet);
    const copies = await Promise.all(waits.map(({ place }) => this.#store.eventAt(place)));
    const replayed = await Promise.allSettled(
      waits.map(async ({ place, kept }, i) => {
        const copy = copies[i];
        if (copy === undefined) return this.#letters.remove({ stream, kept });
        const entry = parkedLetter({ subnet, ...of }, place, copy);
        return this.#letters.replay({ stream, kept, entry });
      }),
    );
    let released = 0;
    for (const [i, wait] of waits.entries()) {
      if (replayed[i]?.status !== "fulfilled") continue;
      await this.#store.ended(book, of, wait);
      if (copies[i] !== undefined) released++;
    }
    const failed = replayed.find((one) => one.status === "rejected" && !isNoEvent(one.reason));
    if (failed?.status === "rejected") throw failed.reason;
    return released;
  }

  /** Requests that arrive while others have their turn share a turn: the same events flood all durables of a subnet. */
  #newGroup(): Group {
    const asks: Ask[] = [];
    const done = this.#store.alone((book) => {
      if (this.#group?.asks === asks) this.#group = undefined;
      return this.#parkAll(book, asks);
    });
    this.#group = { asks, done };
    return this.#group;
  }

  async #parkAll(book: ParkedIndex, asks: readonly Ask[]): Promise<void> {
    const seqs = new Set(asks.flatMap((ask) => [...ask.seqs]));
    const found = new Set<number>();
    for await (const events of this.#read([...seqs].sort((a, b) => a - b))) {
      const claims: Claim[] = [];
      for (const event of events) found.add(event.seq);
      for (const { of, filters, seqs: own, refused } of asks) {
        for (const event of events) {
          if (!own.has(event.seq)) continue;
          if (isTaken(event.subject, filters)) claims.push({ of, event });
          else refused.push(event.seq);
        }
      }
      const not = await this.#store.park(book, claims);
      this.#report(not);
      for (const { claim } of not) asks.find(({ of }) => of === claim.of)?.refused.push(claim.event.seq);
    }
    for (const { seqs: own, refused } of asks) refused.push(...[...own].filter((one) => !found.has(one)));
  }

  /** Reads the events at these places, in pages of bounded size. */
  async *#read(seqs: readonly number[]): AsyncGenerator<readonly StoredMessage[]> {
    const { connection, subnet } = this.#options;
    let events: StoredMessage[] = [];
    let bytes = 0;
    for (const run of runsOf(seqs)) {
      const [first = 0, last = 0] = [run[0], run.at(-1)];
      const wanted = new Set(run);
      const stored = storedMessages(connection, eventsStream(subnet), ">", { seq: first }, last - first + 1);
      for await (const event of stored) {
        if (event.seq > last) break;
        if (!wanted.has(event.seq)) continue;
        events.push(event);
        bytes += event.body.length;
        if (bytes < MAX_BYTES) continue;
        yield events;
        [events, bytes] = [[], 0];
      }
    }
    if (events.length > 0) yield events;
  }

  #report(not: readonly NotParked[]): void {
    const { denials, subnet } = this.#options;
    for (const { noRoom } of not) {
      if (noRoom === undefined) continue;
      const { origin: node, reason } = noRoom;
      const hop = node.startsWith(`${subnet}/`) ? "publish" : "import";
      // One report for all its events: the request may name thousands.
      denials.note({ hop, node, event: "*", rule: "budget", reason });
    }
  }

  /**
   * The filters of a durable now, which policy has allowed: they may have been wider when the events were parked.
   * Rejects with `denied` when the member has no such durable.
   */
  async #taken(node: string, durable: string): Promise<Taken> {
    const { grants, jsm, subnet } = this.#options;
    const consumer = memberConsumer(node, durable);
    if (!grants.has(node, consumer))
      throw new MeshError("denied", `${node} has no durable ${durable}`, { rule: "origin" });
    const { config } = await jsm.consumers.info(eventsStream(subnet), consumer);
    return {
      of: { node, durable },
      pattern: parseEventPattern(config.metadata?.[DURABLE_METADATA.pattern] ?? ""),
      filters: config.filter_subjects ?? [],
    };
  }
}

function refOf(event: string): [name: string, version: number] {
  const { name, version = 0 } = parseEventRef(event);
  return [name, version];
}

/** Whether a durable receives events of this subject, or replays of them. */
function isTaken(subject: string, filters: readonly string[]): boolean {
  try {
    parseDeliverySubject(subject);
  } catch {
    return false;
  }
  return filters.some((filter) => subjectMatches(filter, subject));
}

/** Splits ordered places at large gaps. */
function runsOf(seqs: readonly number[]): readonly (readonly number[])[] {
  const runs: number[][] = [];
  for (const one of seqs) {
    const run = runs.at(-1);
    if (run === undefined || one - (run.at(-1) ?? 0) > MAX_GAP) runs.push([one]);
    else run.push(one);
  }
  return runs;
}

/** The first waits, as many as may be in memory at a time. */
function pageOf(waits: readonly Wait[]): readonly Wait[] {
  let bytes = 0;
  const end = waits.findIndex(({ place }, i) => {
    bytes += parseParkedPlace(place).bytes;
    return i >= MAX_RELEASED || (i > 0 && bytes > MAX_BYTES);
  });
  return end === -1 ? waits : waits.slice(0, end);
}

function isNoEvent(thrown: unknown): boolean {
  return thrown instanceof MeshError && (thrown.code === "invalid-event" || thrown.code === "denied");
}
