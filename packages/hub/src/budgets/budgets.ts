import type { FloodLimits, StreamLimits } from "@adaos/config";
import type { Logger } from "@adaos/core";
import type { RateLimit } from "@adaos/core/wire";
import {
  BUDGET,
  type Denials,
  deadLetterStream,
  eventsStream,
  FILL_SERVICE,
  failedRunsStream,
  metricsStream,
  processingStream,
  runRecordsStream,
  runsStream,
  writerOf,
} from "@adaos/core/wire";
import { type Part, type PartHealth, type Progress, Rounds } from "@adaos/daemon";
import type { Traffic } from "@adaos/nats-server";
import { type BudgetReply, type Connection, type StreamFillReply, StreamUsage } from "@adaos/transport-nats";
import type { JetStreamManager, Subscription } from "nats";
import type { ServerGrants } from "../server-grants.ts";
import { FloodGuard } from "./flood-guard.ts";
import { RateWatch } from "./rate-watch.ts";
import {
  planRestrictions,
  type Restrictions,
  type StreamStand,
  type Written,
  withheldBy,
} from "./restrictions.ts";

export interface BudgetsOptions {
  readonly subnet: string;
  readonly connection: Connection;
  readonly jsm: JetStreamManager;
  readonly grants: ServerGrants;
  readonly streams: StreamLimits;
  readonly flood: FloodLimits;
  /** Traffic of each member's connections so far; rejects while the server does not answer. */
  readonly askTraffic: () => Promise<ReadonlyMap<string, Traffic>>;
  readonly denials: Denials;
  readonly log: Logger;
}

const TRAFFIC_MS = 1000;
const TRAFFIC_FRESH_MS = 20;
/** Nodes of every subnet that are daemons of the mesh itself. */
const DAEMONS: ReadonlySet<string> = new Set(["hub", "root"]);
const NOTHING = "[[],[]]";
/** Restrictions listed in the health; there may be one for each member. */
const MAX_NOTES = 3;

/**
 * Keeps each member within its share of the subnet's streams and within its limits, whatever client it uses. The server
 * refuses writes of a member over its budget, and of no other. A member that floods the server with unstored messages
 * is shut out for a while.
 */
export class Budgets implements Part {
  readonly name = "budgets";
  readonly #options: BudgetsOptions;
  readonly #books: ReadonlyMap<Written, StreamUsage>;
  readonly #rates: RateWatch;
  readonly #guard: FloodGuard;
  #timer: NodeJS.Timeout | undefined;
  #subscription: Subscription | undefined;
  #restrictions: Restrictions = new Map();
  #shutOut: ReadonlyMap<string, string> = new Map();
  /** The restrictions in force at the server; undefined when unknown. A hub that has just started restricts nobody. */
  #enforced: string | undefined = NOTHING;
  #settling: Promise<void> | undefined;
  /** The restrictions changed again while a reload of the server was running. */
  #settleAgain = false;
  #isTrafficKnown = true;
  readonly #trafficRounds = new Rounds();
  readonly #settleRounds = new Rounds();
  #traffic: { readonly askedMs: number; readonly answer: Promise<ReadonlyMap<string, Traffic>> } | undefined;

  constructor(options: BudgetsOptions) {
    this.#options = options;
    this.#guard = new FloodGuard(options.flood);
    this.#rates = new RateWatch({ ...options, onCounted: () => this.#settle() });
    const { subnet } = options;
    const streams: [Written, string][] = [
      ["events", eventsStream(subnet)],
      ["deadLetters", deadLetterStream(subnet)],
      ["records", processingStream(subnet)],
      ["metrics", metricsStream(subnet)],
      ["runs", runsStream(subnet)],
      ["runRecords", runRecordsStream(subnet)],
      ["failedRuns", failedRunsStream(subnet)],
    ];
    this.#books = new Map(streams.map(([written, stream]) => [written, this.#open(stream)]));
  }

  /** Takes the members' own limits, by member. */
  setLimits(limits: ReadonlyMap<string, readonly RateLimit[]>): void {
    this.#rates.replace(limits);
  }

  async start(): Promise<void> {
    for (const books of this.#books.values()) books.start();
    this.#rates.start();
    this.#trafficRounds.done();
    this.#timer = setInterval(() => void this.#lookAtTraffic(), TRAFFIC_MS);
    // The root asks how full the stream is, so that no other subnet fills it.
    this.#subscription = this.#options.connection.nc.subscribe(FILL_SERVICE, {
      callback: (error, msg) => {
        if (error === null) msg.respond(JSON.stringify(this.#fill()));
      },
    });
  }

  async stop(): Promise<void> {
    this.#subscription?.unsubscribe();
    clearInterval(this.#timer);
    this.#settleAgain = false;
    await Promise.all([this.#rates.stop(), ...[...this.#books.values()].map((books) => books.stop())]);
    await this.#settling;
  }

  health(): PartHealth {
    const suspended = [...this.#restrictions].map(([node, all]) => {
      return `${node} writes no ${all.map(({ root }) => root).join(", ")}: ${all[0]?.reason ?? ""}`;
    });
    const shutOut = [...this.#shutOut].map(([node, reason]) => `${node} is shut out: ${reason}`);
    const all = [...shutOut, ...suspended];
    const details = { suspended: [...this.#restrictions.keys()], shutOut: [...this.#shutOut.keys()] };
    if (all.length === 0) return { ready: true, details };
    const more = all.length > MAX_NOTES ? `; and ${all.length - MAX_NOTES} more` : "";
    return { ready: true, note: `${all.slice(0, MAX_NOTES).join("; ")}${more}`, details };
  }

  /** The progress of the loop whose last round was longest ago. */
  progress(): Progress {
    const traffic = this.#trafficRounds.progress;
    const looks = [...this.#books.values()].map(({ sinceLookMs }) => sinceLookMs);
    const sinceMs = Math.max(traffic.sinceMs, this.#settleRounds.progress.sinceMs, ...looks);
    return { ...traffic, sinceMs };
  }

  /** Answers a member that asks why the server has refused it. */
  async suspendedOf(node: string): Promise<BudgetReply> {
    return { suspended: this.#restrictions.get(node) ?? [] };
  }

  #open(stream: string): StreamUsage {
    const { subnet, connection, jsm, streams, log } = this.#options;
    return new StreamUsage({
      connection,
      jsm,
      stream,
      share: streams.maxShare,
      holderOf: (subject) => holderOf(subnet, subject),
      onOver: () => this.#settle(),
      askSent: () => this.#askSent(),
      log,
    });
  }

  #fill(): StreamFillReply {
    const books = this.#books.get("events");
    const held = [...(books?.heldBytes() ?? [])].filter(([holder]) => !holder.includes("/"));
    return { maxBytes: 0, usedBytes: 0, ...books?.fill, held: Object.fromEntries(held), nowMs: Date.now() };
  }

  /** A flood makes several streams busy at the same time: they share one question. */
  async #askTraffic(): Promise<ReadonlyMap<string, Traffic>> {
    const nowMs = performance.now();
    if (this.#traffic === undefined || nowMs - this.#traffic.askedMs > TRAFFIC_FRESH_MS) {
      this.#traffic = { askedMs: nowMs, answer: this.#options.askTraffic() };
    }
    return this.#traffic.answer;
  }

  async #askSent(): Promise<ReadonlyMap<string, number>> {
    const { subnet } = this.#options;
    const traffic = [...(await this.#askTraffic())];
    return new Map(traffic.map(([node, { bytes }]) => [node === "" ? node : `${subnet}/${node}`, bytes]));
  }

  async #lookAtTraffic(): Promise<void> {
    try {
      const { "": _, ...members } = Object.fromEntries(await this.#askTraffic());
      this.#guard.look(new Map(Object.entries(members)), performance.now());
      this.#isTrafficKnown = true;
    } catch (err) {
      if (this.#isTrafficKnown) this.#options.log.warn({ err }, "members' traffic not known");
      this.#isTrafficKnown = false;
    }
    this.#trafficRounds.done();
    // Bans end by themselves, and a failed reload of the server is tried again.
    this.#settle();
  }

  /** Enforces the current restrictions at the server, one change at a time. */
  #settle(): void {
    if (this.#settling !== undefined) {
      this.#settleAgain = true;
      return;
    }
    const { subnet, grants } = this.#options;
    const stands = new Map([...this.#books].map(([written, books]) => [written, standOf(books)] as const));
    const restrictions = planRestrictions(subnet, grants.members, stands, this.#rates.overdrawn());
    const shutOut = this.#guard.banned(performance.now());
    const withheld = withheldBy(restrictions);
    const wanted = JSON.stringify([
      [...withheld].map(([node, roots]) => [node, ...roots]),
      [...shutOut.keys()],
    ]);
    this.#report(restrictions, shutOut);
    // Set before the server refuses: a refused member asks for the reason at once.
    this.#restrictions = restrictions;
    this.#shutOut = shutOut;
    if (wanted === this.#enforced) return;
    grants.restrict(withheld, new Set(shutOut.keys()));
    this.#settleRounds.done();
    this.#settling = this.#enforce(wanted).finally(() => {
      this.#settling = undefined;
      this.#settleRounds.rest();
      if (!this.#settleAgain) return;
      this.#settleAgain = false;
      this.#settle();
    });
  }

  async #enforce(wanted: string): Promise<void> {
    try {
      await this.#options.grants.enforce();
      this.#enforced = wanted;
    } catch (err) {
      this.#enforced = undefined;
      this.#options.log.warn({ err }, "budgets not enforced yet");
    }
  }

  /** Logs each restriction once when it begins and once when it ends. */
  #report(restrictions: Restrictions, shutOut: ReadonlyMap<string, string>): void {
    const { subnet, log } = this.#options;
    for (const [node, all] of restrictions) {
      const before = new Set(this.#restrictions.get(node)?.map(({ root }) => root));
      for (const { root, reason } of all)
        if (!before.has(root)) this.#note(node, `${root}.${subnet}.${node}.>`, reason);
    }
    for (const node of this.#restrictions.keys()) {
      if (!restrictions.has(node)) log.info({ node }, "member may write again");
    }
    for (const [node, reason] of shutOut) {
      if (this.#shutOut.has(node)) continue;
      log.error({ node, reason }, "member shut out");
      this.#note(node, ">", reason);
    }
    for (const node of this.#shutOut.keys())
      if (!shutOut.has(node)) log.info({ node }, "member let in again");
  }

  #note(node: string, subject: string, reason: string): void {
    const { subnet, denials } = this.#options;
    denials.note({ hop: "publish", node: `${subnet}/${node}`, event: subject, rule: BUDGET, reason });
  }
}

function standOf(books: StreamUsage): StreamStand {
  return { stream: books.stream, ...books.fill, held: books.heldBytes(), over: books.over };
}

/** The member or other subnet whose share a message counts against. */
function holderOf(own: string, subject: string): string | undefined {
  const writer = writerOf(subject);
  if (writer === undefined) return undefined;
  const { subnet, node } = writer;
  if (subnet !== own) return subnet;
  return DAEMONS.has(node) ? undefined : `${subnet}/${node}`;
}
