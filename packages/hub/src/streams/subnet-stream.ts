import type { StreamLimits } from "@adaos/config";
import { type Logger, MeshError, type Policy } from "@adaos/core";
import {
  delay,
  doneStream,
  eventsStream,
  farReplyFilter,
  minimalPatterns,
  parkedStream,
  parkedWaitFilter,
  patternToFilter,
  UPLINK_DURABLE,
} from "@adaos/core/wire";
import { type Part, type PartHealth, type Progress, Rounds } from "@adaos/daemon";
import { damageNote, ensureLinkDurable, ifThere, type StoreKeeper } from "@adaos/transport-nats";
import type { JetStreamManager } from "nats";
import { planStreams } from "./plan-streams.ts";

/** How often the hub looks whether its streams and the root's durable are still there, and what they were. */
const CHECK_MS = 5000;
/** How soon it looks again after trouble, most of which is a server that starts or reads its config. */
const RETRY_MS = 250;

export interface SubnetStreamOptions {
  readonly subnet: string;
  readonly members: readonly string[];
  readonly policy: Policy;
  readonly limits: StreamLimits;
  readonly jsm: JetStreamManager;
  readonly keeper: StoreKeeper;
  readonly log: Logger;
}

/** Keeps the subnet's streams and, on that of its events, the durable from which the root pulls what may leave. */
export class SubnetStream implements Part {
  readonly name = "stream";
  readonly #subnet: string;
  #members: readonly string[];
  readonly #policy: Policy;
  readonly #limits: StreamLimits;
  readonly #jsm: JetStreamManager;
  readonly #keeper: StoreKeeper;
  readonly #log: Logger;
  #trouble: string | undefined = "is starting";
  #messages = 0;
  #uplinkSeen = false;
  #looking: Promise<MeshError | undefined> | undefined;
  #checking: Promise<void> | undefined;
  readonly #stopped = new AbortController();
  readonly #rounds = new Rounds();

  constructor({ subnet, members, policy, limits, jsm, keeper, log }: SubnetStreamOptions) {
    this.#subnet = subnet;
    this.#members = members;
    this.#policy = policy;
    this.#limits = limits;
    this.#jsm = jsm;
    this.#keeper = keeper;
    this.#log = log;
  }

  async start(signal: AbortSignal): Promise<void> {
    // JetStream of a server that has just started may take a while to open a large store.
    while (!signal.aborted) {
      const error = await this.check();
      if (error === undefined) break;
      if (error.code === "invalid-config") throw error;
      await delay(RETRY_MS, signal);
    }
    this.#checking = this.#keepChecking();
  }

  /** Keeps what these members need, and lets out what policy says now. Rejects with why it cannot. */
  async refresh(members: readonly string[]): Promise<void> {
    const gone = this.#members.filter((node) => !members.includes(node));
    this.#trouble ??= "is being changed";
    this.#members = members;
    await this.#looking;
    // Whoever has its name one day has handled nothing yet.
    for (const node of gone) {
      const stream = doneStream({ subnet: this.#subnet, node });
      await ifThere("stream", this.#jsm.streams.delete(stream));
      this.#keeper.forget(stream);
      // Nor must it be given what waits for a schema here.
      const filter = parkedWaitFilter({ node, durable: "*" });
      await ifThere("stream", this.#jsm.streams.purge(parkedStream(this.#subnet), { filter }));
    }
    const error = await this.check();
    if (error !== undefined) throw error;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#checking;
    await this.#looking;
    this.#keeper.close();
  }

  health(): PartHealth {
    const { damages } = this.#keeper;
    const note = damageNote(damages);
    const details = { stream: eventsStream(this.#subnet), messages: this.#messages, damages };
    if (this.#trouble !== undefined) return { ready: false, reason: this.#trouble, details };
    return { ready: true, ...(note === undefined ? {} : { note }), details };
  }

  progress(): Progress {
    return this.#rounds.progress;
  }

  /** Mends what is missing, and resolves with why it could not. Who comes meanwhile is told the same. */
  check(): Promise<MeshError | undefined> {
    this.#looking ??= this.#check().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #keepChecking(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      this.#rounds.done();
      await delay(this.#trouble === undefined ? CHECK_MS : RETRY_MS, this.#stopped.signal);
      if (!this.#stopped.signal.aborted) await this.check();
    }
  }

  async #check(): Promise<MeshError | undefined> {
    const stream = eventsStream(this.#subnet);
    try {
      if (this.#trouble !== undefined) this.#keeper.unsettle();
      const wanted = planStreams(this.#subnet, this.#members, this.#limits);
      const infos = await this.#keeper.check(wanted);
      await this.#ensureUplinkDurable(stream);
      this.#messages = infos.get(stream)?.state.messages ?? 0;
      this.#trouble = undefined;
      return undefined;
    } catch (thrown) {
      const error = MeshError.from(thrown, "unavailable", `stream ${stream} is not there`);
      if (this.#trouble !== error.message) this.#log.warn({ stream, err: error }, "stream trouble");
      this.#trouble = error.message;
      return error;
    }
  }

  /**
   * Only exported events, and the replies to imported commands, pass its filter, so that nothing else can be asked for
   * across the bridge.
   */
  async #ensureUplinkDurable(stream: string): Promise<void> {
    const responder = this.#subnet;
    const exported = minimalPatterns(this.#policy.patternsFor({ verb: "export", subnet: responder }));
    const answered = minimalPatterns(this.#policy.importsOf(responder));
    const filters = [
      ...exported.map((pattern) => patternToFilter(pattern, { subnet: this.#subnet })),
      ...answered.map((pattern) => farReplyFilter(pattern, { responder })),
    ];
    // What policy took away begins anew when policy gives it back: nothing of the time between may leave then.
    if (filters.length === 0) this.#keeper.forgetDurable(stream, UPLINK_DURABLE);
    const seq = this.#keeper.startOf(stream, UPLINK_DURABLE);
    const startAt = seq === undefined ? (this.#uplinkSeen ? "all" : "new") : { seq };
    await ensureLinkDurable(this.#jsm, { stream, consumer: UPLINK_DURABLE, filters, startAt });
    this.#uplinkSeen = filters.length > 0;
  }
}
