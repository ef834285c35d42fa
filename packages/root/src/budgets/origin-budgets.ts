import { type Logger, MeshError } from "@adaos/core";
import { BUDGET, delay, type Figure, fillSubject, MESH_STREAM, writerOf } from "@adaos/core/wire";
import { type Part, type PartHealth, type Progress, Rounds } from "@adaos/daemon";
import { type Connection, StreamUsage } from "@adaos/transport-nats";
import type { JetStreamManager } from "nats";
import { parseFill } from "./parse-fill.ts";
import { TargetRoom } from "./target-room.ts";

export interface OriginBudgetsOptions {
  /** Those that there are now. */
  readonly subnets: () => readonly string[];
  readonly connection: Connection;
  readonly jsm: JetStreamManager;
  /** The part of a stream that one subnet may hold of what is its own or free. */
  readonly share: number;
  readonly log: Logger;
}

/** What a link asks about its events, and what it tells. */
export interface LinkBudget {
  /** Throws `denied` where the target has no room for an event of this subnet. */
  assertRoom(origin: string): void;
  /** The target has stored it. */
  stored(origin: string, bytes: number): void;
  /** Why nothing is asked for now. */
  held(): string | undefined;
}

const ASK_MS = 1000;
/** How often a hub is asked to which nothing is carried. */
const REST_MS = 5000;
const ANSWER_MS = 2000;
/** An answer that took longer says too little of a clock. */
const CLOCK_ANSWER_MS = 500;
/**
 * Keeps each subnet within its share of the root's stream and of every other subnet's. One that holds too much of the
 * root's waits: nothing more is asked of its hub, where its events stay. Of one that holds too much of a target's
 * stream nothing more is carried there until it is less: a link goes in order, so to wait would keep everybody else's
 * waiting too.
 */
export class OriginBudgets implements Part {
  readonly name = "budgets";
  readonly #options: OriginBudgetsOptions;
  readonly #books: StreamUsage;
  readonly #targets = new Map<string, TargetRoom>();
  readonly #stopped = new AbortController();
  /** Bytes that this daemon has stored in the root's stream, by the subnet that they came from. */
  readonly #sent = new Map<string, number>();
  readonly #rounds = new Rounds();
  readonly #askedMs = new Map<string, number>();
  /** Something was carried to them since they were asked. */
  readonly #inUse = new Set<string>();
  /** How far the clocks of hubs are ahead of this one, in seconds. */
  readonly #clockOffsets = new Map<string, number>();
  #asking: Promise<void> | undefined;

  constructor(options: OriginBudgetsOptions) {
    this.#options = options;
    const { connection, jsm, share, log } = options;
    this.#books = new StreamUsage({
      connection,
      jsm,
      stream: MESH_STREAM,
      share,
      holderOf: (subject) => writerOf(subject)?.subnet,
      askSent: async () => new Map(this.#sent),
      onOver: (over) => log.warn({ over: [...over] }, "subnets over their share of the root's stream"),
      log,
    });
  }

  async start(): Promise<void> {
    this.#books.start();
    this.#asking = this.#ask();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all([this.#books.stop(), this.#asking]);
  }

  health(): PartHealth {
    const targets = [...this.#targets].filter(([, { over }]) => over.size > 0);
    const over = Object.fromEntries(targets.map(([subnet, target]) => [subnet, [...target.over]]));
    return { ready: true, details: { waiting: [...this.#books.over], over } };
  }

  progress(): Progress {
    return this.#rounds.progress;
  }

  figures(): readonly Figure[] {
    return [...this.#clockOffsets].map(([subnet, value]) => ({
      metric: "clockOffset",
      labels: [subnet],
      value,
    }));
  }

  /** Of the link from a subnet. */
  uplink(subnet: string): LinkBudget {
    return {
      assertRoom: () => undefined,
      stored: (_, bytes) => this.#sent.set(subnet, (this.#sent.get(subnet) ?? 0) + bytes),
      held: () => (this.#books.over.has(subnet) ? this.#reasonOf(subnet) : undefined),
    };
  }

  /** Of the link to a subnet. */
  downlink(subnet: string): LinkBudget {
    return {
      assertRoom: (origin) => {
        this.#noteUse(subnet);
        if (this.#targets.get(subnet)?.over.has(origin) !== true) return;
        const reason = `${origin} holds as much of the stream of ${subnet} as it may; the rest is for others`;
        throw new MeshError("denied", reason, { rule: BUDGET });
      },
      stored: (origin, bytes) => this.#targets.get(subnet)?.add(origin, bytes),
      held: () => undefined,
    };
  }

  #reasonOf(subnet: string): string {
    const { maxBytes } = this.#books.fill;
    const bytes = this.#books.heldBytes().get(subnet) ?? 0;
    const mib = (count: number): string => (count / 1_048_576).toFixed(1);
    return `waits: ${subnet} holds ${mib(bytes)} of ${mib(maxBytes)} MiB in ${MESH_STREAM}, and the rest is for others`;
  }

  async #ask(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      this.#rounds.done();
      const subnets = this.#options.subnets();
      for (const known of [this.#targets, this.#clockOffsets])
        for (const subnet of known.keys()) if (!subnets.includes(subnet)) known.delete(subnet);
      const due = subnets.filter((subnet) => this.#inUse.has(subnet) || this.#unaskedMs(subnet) >= REST_MS);
      // One that does not answer must not keep the others waiting for long.
      await Promise.all(due.map((subnet) => this.#askOne(subnet)));
      await delay(ASK_MS, signal);
    }
  }

  /** After a rest it is not waited for the next round: what is known is old. */
  #noteUse(subnet: string): void {
    if (this.#inUse.has(subnet)) return;
    this.#inUse.add(subnet);
    if (this.#unaskedMs(subnet) >= ASK_MS) void this.#askOne(subnet);
  }

  #unaskedMs(subnet: string): number {
    return performance.now() - (this.#askedMs.get(subnet) ?? Number.NEGATIVE_INFINITY);
  }

  /**
   * A hub that does not answer, or answers nonsense, has no budgets: it is its own stream that fills. Never rejects.
   */
  async #askOne(subnet: string): Promise<void> {
    this.#askedMs.set(subnet, performance.now());
    this.#inUse.delete(subnet);
    try {
      const { nc } = this.#options.connection;
      const askedMs = Date.now();
      const answer = await nc.request(fillSubject(subnet), "", { timeout: ANSWER_MS });
      const tookMs = Date.now() - askedMs;
      const fill = parseFill(answer.data, this.#options.subnets());
      if (fill.nowMs !== undefined && tookMs >= 0 && tookMs <= CLOCK_ANSWER_MS)
        this.#clockOffsets.set(subnet, (fill.nowMs - askedMs - tookMs / 2) / 1000);
      const before = this.#targets.get(subnet)?.over;
      const room = new TargetRoom(fill, this.#options.share, before);
      this.#targets.set(subnet, room);
      for (const origin of room.over) {
        if (before?.has(origin) === true) continue;
        this.#options.log.warn({ origin, subnet }, "subnet over its share of another's stream");
      }
    } catch {
      this.#targets.delete(subnet);
    }
  }
}
