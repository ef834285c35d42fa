import type { StreamLimits } from "@adaos/config";
import type { Logger, Policy } from "@adaos/core";
import {
  doneStream,
  eventsStream,
  farReplyFilter,
  minimalPatterns,
  parkedStream,
  parkedWaitFilter,
  patternToFilter,
  UPLINK_DURABLE,
} from "@adaos/core/wire";
import { type Part, type PartHealth, type Progress, ReconcileLoop } from "@adaos/daemon";
import { damageNote, ensureLinkDurable, ifThere, type StoreKeeper } from "@adaos/transport-nats";
import type { JetStreamManager } from "nats";
import { planStreams } from "./plan-streams.ts";

export interface SubnetStreamOptions {
  readonly subnet: string;
  readonly members: readonly string[];
  readonly policy: Policy;
  readonly limits: StreamLimits;
  /** Servers of the hub, each with a copy. @default 1 */
  readonly servers?: number;
  readonly jsm: JetStreamManager;
  readonly keeper: StoreKeeper;
  readonly log: Logger;
}

/** Maintains the subnet's streams and, on `EVENTS`, the durable from which the root pulls exported events. */
export class SubnetStream implements Part {
  readonly name = "stream";
  readonly #subnet: string;
  #members: readonly string[];
  readonly #policy: Policy;
  readonly #limits: StreamLimits;
  readonly #servers: number;
  readonly #jsm: JetStreamManager;
  readonly #keeper: StoreKeeper;
  readonly #loop: ReconcileLoop;
  #messages = 0;
  #uplinkSeen = false;

  constructor({ subnet, members, policy, limits, servers = 1, jsm, keeper, log }: SubnetStreamOptions) {
    this.#subnet = subnet;
    this.#members = members;
    this.#policy = policy;
    this.#limits = limits;
    this.#servers = servers;
    this.#jsm = jsm;
    this.#keeper = keeper;
    const missing = `stream ${eventsStream(subnet)} is not there`;
    this.#loop = new ReconcileLoop({ reconcile: () => this.#reconcile(), missing, log });
  }

  /** JetStream of a server that has just started may take a while to open a large store. */
  start(signal: AbortSignal): Promise<void> {
    return this.#loop.start(signal);
  }

  /**
   * Maintains the streams of these members, and exports what policy allows now. Rejects with the error of the server.
   */
  async refresh(members: readonly string[]): Promise<void> {
    const gone = this.#members.filter((node) => !members.includes(node));
    this.#loop.expectChange();
    this.#members = members;
    await this.#loop.settled;
    // A later member of this name has handled nothing yet.
    for (const node of gone) {
      const stream = doneStream({ subnet: this.#subnet, node });
      await ifThere("stream", this.#jsm.streams.delete(stream));
      this.#keeper.forget(stream);
      // Nor must it receive the events that this one parked.
      const filter = parkedWaitFilter({ node, durable: "*" });
      await ifThere("stream", this.#jsm.streams.purge(parkedStream(this.#subnet), { filter }));
    }
    const error = await this.#loop.now();
    if (error !== undefined) throw error;
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    this.#keeper.close();
  }

  health(): PartHealth {
    const { damages } = this.#keeper;
    const note = damageNote(damages);
    const details = { stream: eventsStream(this.#subnet), messages: this.#messages, damages };
    const { trouble } = this.#loop;
    if (trouble !== undefined) return { ready: false, reason: trouble, details };
    return { ready: true, ...(note === undefined ? {} : { note }), details };
  }

  progress(): Progress {
    return this.#loop.progress;
  }

  async #reconcile(): Promise<void> {
    const stream = eventsStream(this.#subnet);
    if (this.#loop.trouble !== undefined) this.#keeper.unsettle();
    const infos = await this.#keeper.check(
      planStreams(this.#subnet, this.#members, this.#limits, this.#servers),
    );
    await this.#ensureUplinkDurable(stream);
    this.#messages = infos.get(stream)?.state.messages ?? 0;
  }

  /**
   * Its filter allows only exported events, and replies to imported commands. So the root cannot pull any other event
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
    // An uplink that policy had removed begins with new events: events published in between must not leave.
    if (filters.length === 0) this.#keeper.forgetDurable(stream, UPLINK_DURABLE);
    const seq = this.#keeper.startOf(stream, UPLINK_DURABLE);
    const startAt = seq === undefined ? (this.#uplinkSeen ? "all" : "new") : { seq };
    await ensureLinkDurable(this.#jsm, { stream, consumer: UPLINK_DURABLE, filters, startAt });
    this.#uplinkSeen = filters.length > 0;
  }
}
