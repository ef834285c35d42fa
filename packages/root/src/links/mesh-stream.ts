import type { StreamLimits } from "@adaos/config";
import { type Logger, MAX_EVENT_BYTES, MeshError, type Policy } from "@adaos/core";
import {
  delay,
  downlinkDurable,
  EVENT_ROOT,
  farReplyFilter,
  MESH_STREAM,
  minimalPatterns,
  patternToFilter,
  REPLY_ROOT,
  subjectsOf,
} from "@adaos/core/wire";
import { type Part, type PartHealth, type Progress, Rounds } from "@adaos/daemon";
import {
  damageNote,
  dropOtherDurables,
  ensureLinkDurable,
  type StoreKeeper,
  type StreamSettings,
} from "@adaos/transport-nats";
import type { JetStreamManager } from "nats";

/** How often the root looks whether its stream is still there, and what it was. */
const CHECK_MS = 5000;
/** How soon it looks again after trouble, most of which is a server that starts or reads its config. */
const RETRY_MS = 250;

export interface MeshStreamOptions {
  /** Those that there are now. */
  readonly subnets: () => readonly string[];
  readonly policy: Policy;
  readonly limits: StreamLimits;
  readonly jsm: JetStreamManager;
  readonly keeper: StoreKeeper;
  readonly log: Logger;
}

/** Keeps the federated log and, on it, one durable per subnet that imports anything. */
export class MeshStream implements Part {
  readonly name = "stream";
  readonly #subnets: () => readonly string[];
  readonly #policy: Policy;
  readonly #limits: StreamLimits;
  readonly #jsm: JetStreamManager;
  readonly #keeper: StoreKeeper;
  readonly #log: Logger;
  readonly #stopped = new AbortController();
  readonly #rounds = new Rounds();
  #checking: Promise<void> | undefined;
  #restoring: Promise<MeshError | undefined> = Promise.resolve(undefined);
  #trouble: string | undefined = "is starting";
  /** Subnets whose durable has been wanted here before: one that is gone has vanished, and goes on with all. */
  #seen: ReadonlySet<string> = new Set();

  constructor({ subnets, policy, limits, jsm, keeper, log }: MeshStreamOptions) {
    this.#subnets = subnets;
    this.#policy = policy;
    this.#limits = limits;
    this.#jsm = jsm;
    this.#keeper = keeper;
    this.#log = log;
  }

  async start(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await this.restore()) !== undefined) await delay(RETRY_MS, signal);
    this.#checking = this.#keepChecking();
  }

  /** Streams and durables outlive the daemon. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#checking;
    this.#keeper.close();
  }

  /** How far each subnet's downlink has been acknowledged, by its durable. */
  handedTo(): Record<string, number> {
    const places = this.#subnets().map((subnet) => {
      const consumer = downlinkDurable(subnet);
      return [consumer, this.#keeper.startOf(MESH_STREAM, consumer)] as const;
    });
    return Object.fromEntries(places.flatMap(([name, seq]) => (seq === undefined ? [] : [[name, seq - 1]])));
  }

  health(): PartHealth {
    const { damages } = this.#keeper;
    const note = damageNote(damages);
    if (this.#trouble !== undefined) return { ready: false, reason: this.#trouble, details: { damages } };
    return { ready: true, ...(note === undefined ? {} : { note }), details: { damages } };
  }

  progress(): Progress {
    return this.#rounds.progress;
  }

  /**
   * Makes what is missing, as policy and subnets are now. Resolves with why it could not; rejects with
   * `invalid-config` when it never will.
   */
  restore(): Promise<MeshError | undefined> {
    // After the one before, which may have begun with what was wanted before.
    const next = this.#restoring.catch(() => undefined).then(() => this.#restore());
    this.#restoring = next;
    return next;
  }

  async #keepChecking(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      this.#rounds.done();
      await delay(this.#trouble === undefined ? CHECK_MS : RETRY_MS, this.#stopped.signal);
      if (this.#stopped.signal.aborted) return;
      await this.restore().catch((err: unknown) => this.#log.error({ err }, "stream not restored"));
    }
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
      // Uplinks write here, and nobody else.
      fastBatches: true,
    };
  }

  async #restore(): Promise<MeshError | undefined> {
    try {
      if (this.#trouble !== undefined) this.#keeper.unsettle();
      await this.#keeper.check([this.#plan()]);
      const wanted = this.#subnets().map((subnet) => ({ subnet, filters: this.filtersFor(subnet) }));
      for (const { subnet, filters } of wanted) await this.#ensureDurable(subnet, filters);
      // The durable of a subnet that is gone would give the next of its name all that came in between.
      const kept = wanted.map(({ subnet }) => downlinkDurable(subnet));
      await dropOtherDurables(this.#jsm, MESH_STREAM, downlinkDurable(""), kept);
      for (const subnet of this.#seen) {
        const consumer = downlinkDurable(subnet);
        if (!kept.includes(consumer)) this.#keeper.forgetDurable(MESH_STREAM, consumer);
      }
      // What policy took away begins anew when policy gives it back: nothing of the time between may enter then.
      this.#seen = new Set(wanted.filter(({ filters }) => filters.length > 0).map(({ subnet }) => subnet));
      this.#trouble = undefined;
      return undefined;
    } catch (thrown) {
      const error = MeshError.from(thrown, "unavailable", `stream ${MESH_STREAM} is not there`);
      if (error.code === "invalid-config") throw error;
      if (this.#trouble !== error.message) this.#log.warn({ err: error }, "stream trouble");
      this.#trouble = error.message;
      return error;
    }
  }

  async #ensureDurable(subnet: string, filters: readonly string[]): Promise<void> {
    const consumer = downlinkDurable(subnet);
    if (filters.length === 0) this.#keeper.forgetDurable(MESH_STREAM, consumer);
    const seq = this.#keeper.startOf(MESH_STREAM, consumer);
    const startAt = seq === undefined ? (this.#seen.has(subnet) ? "all" : "new") : { seq };
    await ensureLinkDurable(this.#jsm, { stream: MESH_STREAM, consumer, filters, startAt });
  }

  /**
   * What a subnet imports, from each of the others: its own events never match, so they cannot come back. And the
   * replies to what it exports.
   */
  filtersFor(subnet: string): string[] {
    const exports = minimalPatterns(this.#policy.patternsFor({ verb: "export", subnet }));
    const events = this.#subnets()
      .filter((other) => other !== subnet)
      .flatMap((from) =>
        minimalPatterns(this.#policy.patternsFor({ verb: "import", subnet, from })).map((pattern) =>
          patternToFilter(pattern, { subnet: from }),
        ),
      );
    return [...events, ...exports.map((pattern) => farReplyFilter(pattern, { requester: subnet }))];
  }
}
