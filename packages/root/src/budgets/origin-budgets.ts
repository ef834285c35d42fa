import { type Logger, MeshError } from "@adaos/core";
import { BUDGET, delay, type Figure, fillSubject, MESH_STREAM, writerOf } from "@adaos/core/wire";
import { type Part, type PartHealth, type Progress, Rounds } from "@adaos/daemon";
import { type Connection, StreamUsage } from "@adaos/transport-nats";
import type { JetStreamManager } from "nats";
import type { Regions } from "../regions/regions.ts";
import { parseFill } from "./parse-fill.ts";
import { TargetRoom } from "./target-room.ts";

export interface OriginBudgetsOptions {
  /** The current subnets. */
  readonly subnets: () => readonly string[];
  /** The subnets of other regions, and the region of each. */
  readonly regions: Pick<Regions, "origins" | "regionOf">;
  readonly connection: Connection;
  readonly jsm: JetStreamManager;
  /** The share of its own plus the free part of a stream that one subnet may fill. */
  readonly share: number;
  readonly log: Logger;
}

/** The budget of a link: checks its events, and counts the stored ones. */
export interface LinkBudget {
  /** Throws `denied` when the target has no room for an event of this subnet. */
  assertRoom(origin: string): void;
  /** Counts an event that the target has stored. */
  stored(origin: string, bytes: number): void;
  /** The reason why the link requests no events now; undefined when it may. */
  waitReason(): string | undefined;
}

const ASK_MS = 1000;
/** Interval of questions to a hub to which nothing is carried. */
const REST_MS = 5000;
const ANSWER_MS = 2000;
/** A slower answer is too inexact for the offset of a clock. */
const CLOCK_ANSWER_MS = 500;
/**
 * Keeps each subnet within its share of the root's stream and of every other subnet's. A subnet over its share of the
 * root's stream waits: no more events are pulled from its hub, where they stay. The events of a subnet over its share
 * of a target's stream are not carried there until the share shrinks. A link works in order, so waiting would delay the
 * events of all other subnets.
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
  /** Subnets to which events were carried since the last question. */
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
      holderOf: (subject) => this.#holderOf(writerOf(subject)?.subnet),
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

  /** The budget of the link from a subnet. */
  uplink(subnet: string): LinkBudget {
    return {
      assertRoom: () => undefined,
      stored: (_, bytes) => this.#sent.set(subnet, (this.#sent.get(subnet) ?? 0) + bytes),
      waitReason: () => (this.#books.over.has(subnet) ? this.#reasonOf(subnet) : undefined),
    };
  }

  /** The budget of the link from another region: all its subnets together have the share of one subnet. */
  regionLink(region: string): LinkBudget {
    return this.uplink(regionHolder(region));
  }

  #holderOf(subnet: string | undefined): string | undefined {
    const region = subnet === undefined ? undefined : this.#options.regions.regionOf(subnet);
    return region === undefined ? subnet : regionHolder(region);
  }

  /** The budget of the link to a subnet. */
  downlink(subnet: string): LinkBudget {
    return {
      assertRoom: (origin) => {
        this.#noteUse(subnet);
        if (this.#targets.get(subnet)?.over.has(origin) !== true) return;
        const reason = `${origin} holds as much of the stream of ${subnet} as it may; the rest is for others`;
        throw new MeshError("denied", reason, { rule: BUDGET });
      },
      stored: (origin, bytes) => this.#targets.get(subnet)?.add(origin, bytes),
      waitReason: () => undefined,
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
      const present = new Set(subnets);
      for (const known of [this.#targets, this.#clockOffsets])
        for (const subnet of known.keys()) if (!present.has(subnet)) known.delete(subnet);
      const due = subnets.filter((subnet) => this.#inUse.has(subnet) || this.#unaskedMs(subnet) >= REST_MS);
      // A hub that does not answer must not delay the others for long.
      await Promise.all(due.map((subnet) => this.#askOne(subnet)));
      await delay(ASK_MS, signal);
    }
  }

  /** After a rest, asks the hub before the next round: its last answer is old. */
  #noteUse(subnet: string): void {
    if (this.#inUse.has(subnet)) return;
    this.#inUse.add(subnet);
    if (this.#unaskedMs(subnet) >= ASK_MS) void this.#askOne(subnet);
  }

  #unaskedMs(subnet: string): number {
    return performance.now() - (this.#askedMs.get(subnet) ?? Number.NEGATIVE_INFINITY);
  }

  /** A hub without a valid answer has no budgets: only its own stream can fill. Never rejects. */
  async #askOne(subnet: string): Promise<void> {
    this.#askedMs.set(subnet, performance.now());
    this.#inUse.delete(subnet);
    try {
      const { nc } = this.#options.connection;
      const askedMs = Date.now();
      const answer = await nc.request(fillSubject(subnet), "", { timeout: ANSWER_MS });
      const tookMs = Date.now() - askedMs;
      const origins = [...this.#options.subnets(), ...this.#options.regions.origins()];
      const fill = parseFill(answer.data, origins);
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

/** No subnet has this name. */
function regionHolder(region: string): string {
  return `region ${region}`;
}
