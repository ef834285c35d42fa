import type { StreamLimits } from "@adaos/config";
import { type Logger, MAX_EVENT_BYTES, MeshError, type Policy } from "@adaos/core";
import {
  DEAD_LETTER_ROOT,
  DONE_ROOT,
  deadLetterStream,
  doneStream,
  EVENT_ROOT,
  eventsStream,
  farReplyFilter,
  MAX_DEAD_LETTER_BYTES,
  MAX_MARK_BYTES,
  MAX_METRICS_BYTES,
  MAX_RECORD_BYTES,
  METRICS_ROOT,
  metricsStream,
  minimalPatterns,
  type NodeAddress,
  PARKED_ROOT,
  PROCESSING_ROOT,
  parkedStream,
  parkedWaitFilter,
  patternToFilter,
  processingStream,
  REPLAY_ROOT,
  REPLIED_ROOT,
  REPLY_ROOT,
  subjectsOf,
  UPLINK_DURABLE,
} from "@adaos/core/wire";
import { type Part, type PartHealth, type Progress, Rounds } from "@adaos/daemon";
import { delay, ensureLinkDurable, ensureStream, ifThere } from "@adaos/transport-nats";
import type { JetStreamManager } from "nats";

/** How often the hub looks whether the stream and the root's durable are still there. */
const CHECK_MS = 5000;
/** What is known of failures outlives the events, so that it can still be looked into. */
const JOURNAL_AGE_FACTOR = 4;
const JOURNAL_MAX_BYTES = 268_435_456;
/** That an event was handled is remembered longer than its stream can bring it again. */
const DONE_AGE_FACTOR = 2;
/** For what is never repeated under one id; the shortest window costs the least memory. */
const SHORT_WINDOW_MS = 1000;
/** Some 1.3 million marks of 206 bytes. */
const DONE_MAX_BYTES = 268_435_456;
const METRICS_MAX_BYTES = 67_108_864;
const METRICS_MAX_AGE_MS = 31 * 86_400_000;
/** How soon it looks again after trouble, most of which is a server that starts or reads its config. */
const RETRY_MS = 250;

export interface SubnetStreamOptions {
  readonly subnet: string;
  readonly members: readonly string[];
  readonly policy: Policy;
  readonly limits: StreamLimits;
  readonly jsm: JetStreamManager;
  readonly log: Logger;
}

/** Keeps the subnet's stream and, on it, the durable from which the root's uplink pulls what may leave. */
export class SubnetStream implements Part {
  readonly name = "stream";
  readonly #subnet: string;
  #members: readonly string[];
  readonly #policy: Policy;
  readonly #limits: StreamLimits;
  readonly #jsm: JetStreamManager;
  readonly #log: Logger;
  #trouble: string | undefined = "is starting";
  #messages = 0;
  #uplinkSeen = false;
  #checking: Promise<void> | undefined;
  readonly #stopped = new AbortController();
  readonly #rounds = new Rounds();

  constructor({ subnet, members, policy, limits, jsm, log }: SubnetStreamOptions) {
    this.#subnet = subnet;
    this.#members = members;
    this.#policy = policy;
    this.#limits = limits;
    this.#jsm = jsm;
    this.#log = log;
  }

  async start(signal: AbortSignal): Promise<void> {
    // JetStream of a server that has just started may take a while to open a large store.
    while (!signal.aborted) {
      const error = await this.#check();
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
    // Whoever has its name one day has handled nothing yet.
    for (const node of gone) {
      await ifThere("stream", this.#jsm.streams.delete(doneStream({ subnet: this.#subnet, node })));
      // Nor must it be given what waits for a schema here.
      const filter = parkedWaitFilter({ node, durable: "*" });
      await ifThere("stream", this.#jsm.streams.purge(parkedStream(this.#subnet), { filter }));
    }
    this.#members = members;
    const error = await this.#check();
    if (error !== undefined) throw error;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#checking;
  }

  health(): PartHealth {
    const details = { stream: eventsStream(this.#subnet), messages: this.#messages };
    return this.#trouble === undefined
      ? { ready: true, details }
      : { ready: false, reason: this.#trouble, details };
  }

  progress(): Progress {
    return this.#rounds.progress;
  }

  async #keepChecking(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      this.#rounds.done();
      await delay(this.#trouble === undefined ? CHECK_MS : RETRY_MS, this.#stopped.signal);
      if (!this.#stopped.signal.aborted) await this.#check();
    }
  }

  /** Mends what is missing. Returns why it could not. */
  async #check(): Promise<MeshError | undefined> {
    const stream = eventsStream(this.#subnet);
    try {
      if (this.#trouble !== undefined) await this.#ensureStreams(stream);
      await this.#ensureUplinkDurable(stream);
      this.#messages = (await this.#jsm.streams.info(stream)).state.messages;
      this.#trouble = undefined;
      return undefined;
    } catch (thrown) {
      const error = MeshError.from(thrown, "unavailable", `stream ${stream} is not there`);
      if (this.#trouble !== error.message) this.#log.warn({ stream, err: error }, "stream trouble");
      this.#trouble = error.message;
      return error;
    }
  }

  async #ensureStreams(stream: string): Promise<void> {
    const { maxBytes, maxAgeHours, duplicateWindowMs } = this.#limits;
    const maxAgeMs = maxAgeHours * 3_600_000;
    await ensureStream(this.#jsm, {
      name: stream,
      subjects: [subjectsOf(EVENT_ROOT), subjectsOf(REPLAY_ROOT), subjectsOf(REPLY_ROOT)],
      // Whoever waits for a reply hears of it without a consumer of his own.
      republish: { src: subjectsOf(REPLY_ROOT), dest: subjectsOf(REPLIED_ROOT) },
      maxBytes,
      maxAgeMs,
      duplicateWindowMs,
      maxMessageBytes: MAX_EVENT_BYTES,
    });
    const journal = {
      maxBytes: Math.min(maxBytes, JOURNAL_MAX_BYTES),
      maxAgeMs: maxAgeMs * JOURNAL_AGE_FACTOR,
      duplicateWindowMs,
    };
    await ensureStream(this.#jsm, {
      name: deadLetterStream(this.#subnet),
      subjects: [subjectsOf(DEAD_LETTER_ROOT)],
      ...journal,
      maxMessagesPerSubject: 1,
      maxMessageBytes: MAX_DEAD_LETTER_BYTES,
    });
    // Beside the dead letters: whatever strangers send, it takes no room that a failure needs.
    await ensureStream(this.#jsm, {
      name: parkedStream(this.#subnet),
      subjects: [subjectsOf(PARKED_ROOT)],
      ...journal,
      maxBytes: Math.ceil(journal.maxBytes / 2),
      duplicateWindowMs: SHORT_WINDOW_MS,
      maxMessagesPerSubject: 1,
      maxMessageBytes: MAX_EVENT_BYTES,
    });
    await ensureStream(this.#jsm, {
      name: processingStream(this.#subnet),
      subjects: [subjectsOf(PROCESSING_ROOT)],
      ...journal,
      maxMessagesPerSubject: 1,
      // The newest records are those that matter, and nothing that failed may have to wait for room here.
      whenFull: "drop-oldest",
      maxMessageBytes: MAX_RECORD_BYTES,
    });
    for (const node of this.#members) {
      await this.#ensureMarks({ subnet: this.#subnet, node });
    }
    await this.#ensureMetrics();
  }

  /** What a member has handled, in a stream of its own: no other can read it, or make it forget by filling it. */
  async #ensureMarks(member: NodeAddress): Promise<void> {
    const { maxBytes, maxAgeHours } = this.#limits;
    await ensureStream(this.#jsm, {
      name: doneStream(member),
      subjects: [subjectsOf(DONE_ROOT, member.subnet, member.node)],
      maxBytes: Math.min(maxBytes, DONE_MAX_BYTES),
      maxAgeMs: maxAgeHours * 3_600_000 * DONE_AGE_FACTOR,
      duplicateWindowMs: SHORT_WINDOW_MS,
      maxMessagesPerSubject: 1,
      // A full memory of what was done must not stop the work: the oldest marks make room.
      whenFull: "drop-oldest",
      maxMessageBytes: MAX_MARK_BYTES,
    });
  }

  /** Numbers of the last weeks, an hour of a process each; the oldest make room. */
  async #ensureMetrics(): Promise<void> {
    await ensureStream(this.#jsm, {
      name: metricsStream(this.#subnet),
      subjects: [subjectsOf(METRICS_ROOT)],
      maxBytes: METRICS_MAX_BYTES,
      maxAgeMs: METRICS_MAX_AGE_MS,
      duplicateWindowMs: SHORT_WINDOW_MS,
      maxMessagesPerSubject: 1,
      whenFull: "drop-oldest",
      maxMessageBytes: MAX_METRICS_BYTES,
    });
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
    const startAt = this.#uplinkSeen ? "all" : "new";
    await ensureLinkDurable(this.#jsm, { stream, consumer: UPLINK_DURABLE, filters, startAt });
    // What policy took away begins anew when policy gives it back: nothing of the time between may leave then.
    this.#uplinkSeen = filters.length > 0;
  }
}
