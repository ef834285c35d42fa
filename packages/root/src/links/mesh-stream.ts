import type { StreamLimits } from "@adaos/config";
import type { Logger, MeshError, Policy } from "@adaos/core";
import {
  downlinkDurable,
  EVENT_ROOT,
  MAX_EVENT_BYTES,
  MESH_STREAM,
  REPLY_ROOT,
  regionDurable,
  subjectsOf,
} from "@adaos/core/wire";
import { type Part, type PartHealth, type Progress, ReconcileLoop } from "@adaos/daemon";
import {
  beginLinkDurableAt,
  damageNote,
  dropOtherDurables,
  ensureLinkDurable,
  findConsumer,
  listConsumers,
  type StoreKeeper,
  type StreamSettings,
} from "@adaos/transport-nats";
import { type ConsumerInfo, type JetStreamManager, NatsError } from "nats";
import {
  isSightOf,
  type NewcomerSight,
  newcomerFilters,
  planNewcomers,
  subnetsOf,
} from "../regions/newcomers.ts";
import type { Regions, WantedDurable } from "../regions/regions.ts";
import { Slots } from "../slots.ts";
import { downlinkFilters } from "./downlink-filters.ts";

export interface MeshStreamOptions {
  /** The current subnets. */
  readonly subnets: () => readonly string[];
  readonly regions: Pick<Regions, "origins" | "durables">;
  readonly policy: Policy;
  readonly limits: StreamLimits;
  /** Servers of the root, each with a copy. */
  readonly servers: number;
  readonly jsm: JetStreamManager;
  readonly keeper: StoreKeeper;
  readonly log: Logger;
}

/** Durables that are made at a time: each waits for the server's disk. */
const TOGETHER = 16;
/** nats-server's error code for no such message. */
const NO_MESSAGE = 10_037;

/** Maintains the federated stream and, on it, one durable for each subnet with imports and each region that pulls. */
export class MeshStream implements Part {
  readonly name = "stream";
  readonly #subnets: () => readonly string[];
  readonly #regions: MeshStreamOptions["regions"];
  readonly #policy: Policy;
  readonly #limits: StreamLimits;
  readonly #servers: number;
  readonly #jsm: JetStreamManager;
  readonly #keeper: StoreKeeper;
  readonly #loop: ReconcileLoop;
  readonly #log: Logger;
  /** The newcomers of regions' durables, until they have entered. */
  readonly #sights = new Map<string, NewcomerSight>();
  /** Durables that existed before: if one is missing, it was lost, and the new one begins with all events. */
  #seen: ReadonlySet<string> = new Set();
  /** Filters of each subnet, of these subnets and this revision of the policy. */
  #filters: { readonly of: string; readonly bySubnet: Map<string, readonly string[]> } | undefined;

  constructor({ subnets, regions, policy, limits, servers, jsm, keeper, log }: MeshStreamOptions) {
    this.#subnets = subnets;
    this.#regions = regions;
    this.#policy = policy;
    this.#limits = limits;
    this.#servers = servers;
    this.#jsm = jsm;
    this.#keeper = keeper;
    this.#log = log;
    const missing = `stream ${MESH_STREAM} is not there`;
    this.#loop = new ReconcileLoop({ reconcile: () => this.#reconcile(), missing, log });
  }

  /** Whether several servers keep the stream, and its durables with it. */
  get isReplicated(): boolean {
    return this.#servers > 1;
  }

  start(signal: AbortSignal): Promise<void> {
    return this.#loop.start(signal);
  }

  /** Streams and durables outlive the daemon. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    this.#keeper.close();
  }

  /** The acknowledged place of each durable. */
  handedTo(): Record<string, number> {
    const names = [
      ...this.#subnets().map(downlinkDurable),
      ...this.#regions.durables().map((of) => of.consumer),
    ];
    const places = names.map((consumer) => [consumer, this.#keeper.startOf(MESH_STREAM, consumer)] as const);
    return Object.fromEntries(places.flatMap(([name, seq]) => (seq === undefined ? [] : [[name, seq - 1]])));
  }

  health(): PartHealth {
    const { damages } = this.#keeper;
    const note = damageNote(damages);
    const { trouble } = this.#loop;
    if (trouble !== undefined) return { ready: false, reason: trouble, details: { damages } };
    return { ready: true, ...(note === undefined ? {} : { note }), details: { damages } };
  }

  progress(): Progress {
    return this.#loop.progress;
  }

  /** Creates the missing stream and durables, by the current policy and subnets. Resolves with the error, if any. */
  restore(): Promise<MeshError | undefined> {
    return this.#loop.now();
  }

  #plan(): StreamSettings {
    const { maxBytes, maxAgeHours, duplicateWindowMs } = this.#limits;
    return {
      name: MESH_STREAM,
      subjects: [subjectsOf(EVENT_ROOT), subjectsOf(REPLY_ROOT)],
      maxBytes,
      maxAgeMs: maxAgeHours * 3_600_000,
      duplicateWindowMs,
      maxMessageBytes: MAX_EVENT_BYTES,
      replicas: this.#servers,
      // Only the links of the root write here.
      fastBatches: true,
    };
  }

  async #reconcile(): Promise<void> {
    if (this.#loop.trouble !== undefined) this.#keeper.unsettle();
    await this.#keeper.check([this.#plan()]);
    const filtersFor = this.filters();
    const downlinks = this.#subnets().map((subnet) => {
      return { consumer: downlinkDurable(subnet), filters: filtersFor(subnet) };
    });
    const wanted = [...downlinks, ...this.#regions.durables()];
    const listed = await listConsumers(this.#jsm, MESH_STREAM);
    const slots = new Slots(TOGETHER);
    // One that cannot be made must not end the check while others are being made.
    const made = await Promise.allSettled(
      wanted.map((durable) => slots.use(() => this.#ensureDurable(durable, listed))),
    );
    for (const one of made) if (one.status === "rejected") throw one.reason;
    // The durable of a removed subnet or region would give the next one of its name all events in between.
    const kept = wanted.map(({ consumer }) => consumer);
    for (const prefix of [downlinkDurable(""), regionDurable("")])
      await dropOtherDurables(this.#jsm, MESH_STREAM, prefix, kept, listed.keys());
    for (const consumer of this.#seen)
      if (!kept.includes(consumer)) this.#keeper.forgetDurable(MESH_STREAM, consumer);
    // A link that policy had removed begins with new events: events published in between must not enter.
    this.#seen = new Set(wanted.filter(({ filters }) => filters.length > 0).map(({ consumer }) => consumer));
  }

  async #ensureDurable(
    { consumer, filters }: WantedDurable,
    listed: ReadonlyMap<string, ConsumerInfo>,
  ): Promise<void> {
    if (filters.length === 0) this.#keeper.forgetDurable(MESH_STREAM, consumer);
    if (consumer.startsWith(regionDurable("")) && filters.length > 0) {
      // A cluster leaves consumers without a leader out of its list.
      const existing = listed.get(consumer) ?? (await findConsumer(this.#jsm, MESH_STREAM, consumer));
      if (existing !== undefined) return this.#admitNewcomers({ consumer, filters }, existing);
    }
    this.#sights.delete(consumer);
    const seq = this.#keeper.startOf(MESH_STREAM, consumer);
    const startAt = seq === undefined ? (this.#seen.has(consumer) ? "all" : "new") : { seq };
    await ensureLinkDurable(this.#jsm, { stream: MESH_STREAM, consumer, filters, startAt }, listed);
  }

  /** Lets a region have a subnet's events from now on, and none that wait from before. See `planNewcomers()`. */
  async #admitNewcomers({ consumer, filters }: WantedDurable, existing: ConsumerInfo): Promise<void> {
    const durable = { stream: MESH_STREAM, consumer, filters, startAt: "all" } as const;
    const before = existing.config.filter_subjects ?? [existing.config.filter_subject ?? ""];
    const newcomers = newcomerFilters(before, filters);
    const listed = new Map([[consumer, existing]]);
    if (newcomers.length === 0) {
      this.#sights.delete(consumer);
      return ensureLinkDurable(this.#jsm, durable, listed);
    }
    const seen = this.#sights.get(consumer);
    const isKnown = seen !== undefined && isSightOf(seen, newcomers);
    const cut = isKnown ? seen.cut : (await this.#jsm.streams.info(MESH_STREAM)).state.last_seq;
    this.#sights.set(consumer, { cut, subnets: subnetsOf(newcomers) });
    // Asked again: the list may be older than the cut.
    const { ack_floor, num_pending, num_ack_pending } = await this.#jsm.consumers.info(MESH_STREAM, consumer);
    const floor = ack_floor.stream_seq;
    const pulled = { filters: before, floor, waiting: num_pending + num_ack_pending };
    const oldest = await oldestAfter(this.#jsm, floor, newcomers);
    const plan = planNewcomers(pulled, filters, { cut }, oldest);
    if (plan.kind === "hold back") {
      if (!isKnown)
        this.#log.warn({ consumer, newcomers, ...pulled }, "region gets a subnet after what waits");
      return ensureLinkDurable(this.#jsm, { ...durable, filters: plan.filters }, listed);
    }
    this.#sights.delete(consumer);
    if (plan.kind === "as wanted") return ensureLinkDurable(this.#jsm, durable, listed);
    this.#log.info({ consumer, newcomers, after: plan.seq, cut }, "region gets a subnet");
    await beginLinkDurableAt(this.#jsm, { ...durable, startAt: { seq: plan.seq + 1 } });
    // The keeper's place is of before.
    this.#keeper.forgetDurable(MESH_STREAM, consumer);
  }

  /** Gives the filters of a subnet's durable, by the policy, subnets and regions of now. */
  filters(): (subnet: string) => readonly string[] {
    const origins = [...this.#subnets(), ...this.#regions.origins()];
    const of = `${this.#policy.revision} ${origins.join(" ")}`;
    if (this.#filters?.of !== of) this.#filters = { of, bySubnet: new Map() };
    const { bySubnet } = this.#filters;
    return (subnet) => {
      const known = bySubnet.get(subnet) ?? downlinkFilters(this.#policy, origins, subnet);
      bySubnet.set(subnet, known);
      return known;
    };
  }
}

/** Place of the first event behind `floor` that one of these filters matches; undefined when there is none. */
async function oldestAfter(
  jsm: JetStreamManager,
  floor: number,
  filters: readonly string[],
): Promise<number | undefined> {
  const found: number[] = [];
  for (const filter of filters) {
    try {
      const query = { seq: floor + 1, next_by_subj: filter };
      found.push((await jsm.streams.getMessage(MESH_STREAM, query)).seq);
    } catch (thrown) {
      const isNone = thrown instanceof NatsError && thrown.api_error?.err_code === NO_MESSAGE;
      if (!isNone) throw thrown;
    }
  }
  return found.length === 0 ? undefined : Math.min(...found);
}
