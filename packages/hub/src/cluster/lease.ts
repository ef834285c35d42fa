import { type Logger, MeshError } from "@adaos/core";
import { delay, leaseStream, leaseSubject } from "@adaos/core/wire";
import { type Progress, Rounds } from "@adaos/daemon";
import { type Connection, ifThere } from "@adaos/transport-nats";
import { DiscardPolicy, type JetStreamManager, NatsError, StorageType } from "nats";
import { type LeaseRecord, type LeaseSight, maySeize, seeLease } from "./decide-lease.ts";

export interface LeaseOptions {
  readonly subnet: string;
  /** Name of this daemon: `hub-2`. */
  readonly node: string;
  /** Servers of the hub. */
  readonly servers: number;
  readonly connection: Connection;
  readonly log: Logger;
  /** This daemon serves the subnet from now on. */
  readonly onHeld: () => void;
  /** Another daemon does. */
  readonly onLost: () => void;
}

const RENEW_MS = 1000;
/** Also the time until the next attempt after a failure. */
const LOOK_MS = 400;
/** A daemon that has handed its turn over leaves the next one to the others for so long. */
const REST_MS = 60_000;
const ANSWER_MS = 1500;

/** nats-server's error codes: no message found, and another message came before. */
const NO_MESSAGE = 10_037;
const WRONG_SEQUENCE = 10_071;

/**
 * Decides which of several hub daemons serves the subnet: one message in a replicated stream, which its holder replaces
 * every second. The server lets it be replaced only by who knows its place, so that two never hold it. A holder gives
 * up when another has taken it, and not before: while the stream has no leader, nobody can take it or write anything.
 */
export class Lease {
  readonly #options: LeaseOptions;
  readonly #stopped = new AbortController();
  readonly #rounds = new Rounds();
  #jsm: JetStreamManager | undefined;
  #looping: Promise<void> | undefined;
  #sight: LeaseSight | undefined;
  /** Place of this daemon's newest renewal, while it holds the lease. */
  #heldSeq: number | undefined;
  #trouble: string | undefined = "is starting";
  #isHandingOver = false;
  #restsUntilMs = 0;

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /** Whether this daemon serves the subnet. */
  get isHeld(): boolean {
    return this.#heldSeq !== undefined;
  }

  /** The daemon that serves the subnet, as far as this one knows. */
  get holder(): string | undefined {
    return this.isHeld ? this.#options.node : this.#sight?.record.holder;
  }

  /** Why the lease is not known now. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  get progress(): Progress {
    return this.#rounds.progress;
  }

  start(): void {
    this.#looping = this.#loop();
  }

  /** Lets another daemon serve the subnet, soon. Without another, this one goes on after a minute. */
  handOver(): void {
    this.#isHandingOver = true;
  }

  /** Gives the lease back, so that another daemon takes it at once. Never rejects. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#looping;
    const seq = this.#heldSeq;
    if (seq === undefined || this.#options.connection.nc.isClosed()) return;
    this.#heldSeq = undefined;
    // Without it, the others wait until the lease has run out.
    await this.#write(undefined, seq).catch((err: unknown) => {
      this.#options.log.debug({ err }, "lease not given back");
    });
  }

  async #loop(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        await this.#round();
        this.#trouble = undefined;
      } catch (thrown) {
        const { message } = MeshError.from(thrown, "unavailable", "the lease of the hub is not known");
        if (message !== this.#trouble) this.#options.log.warn({ err: thrown }, "lease not known");
        this.#trouble = message;
        if (this.#sight !== undefined)
          this.#sight = { ...this.#sight, answeredSinceMs: Number.POSITIVE_INFINITY };
      }
      this.#rounds.done();
      await delay(this.isHeld && this.#trouble === undefined ? RENEW_MS : LOOK_MS, signal);
    }
    this.#rounds.rest();
  }

  async #round(): Promise<void> {
    if (this.#heldSeq !== undefined)
      return this.#isHandingOver ? this.#giveUp(this.#heldSeq) : this.#renew(this.#heldSeq);
    const record = await this.#read();
    const nowMs = performance.now();
    const before = this.#sight;
    const isBack = before?.answeredSinceMs === Number.POSITIVE_INFINITY;
    this.#sight = seeLease(isBack ? { ...before, answeredSinceMs: nowMs } : before, record, nowMs);
    if (nowMs < this.#restsUntilMs || !maySeize(this.#sight, this.#options.node, nowMs)) return;
    const seq = await this.#tryWrite(this.#options.node, record.seq);
    if (seq !== undefined) this.#hold(seq);
  }

  async #renew(heldSeq: number): Promise<void> {
    const seq = await this.#tryWrite(this.#options.node, heldSeq);
    if (seq !== undefined) {
      this.#heldSeq = seq;
      return;
    }
    // It is our own when the answer to a renewal was lost.
    const record = await this.#read();
    if (record.holder === this.#options.node) this.#heldSeq = record.seq;
    else if (record.seq === 0) this.#heldSeq = 0;
    else this.#lose(record);
  }

  async #giveUp(heldSeq: number): Promise<void> {
    const seq = await this.#tryWrite(undefined, heldSeq);
    // Who writes next tells whether it is still held.
    if (seq === undefined) return this.#renew(heldSeq);
    this.#isHandingOver = false;
    this.#restsUntilMs = performance.now() + REST_MS;
    this.#lose({ seq });
  }

  #hold(seq: number): void {
    const { log, onHeld } = this.#options;
    this.#heldSeq = seq;
    this.#isHandingOver = false;
    if (this.#stopped.signal.aborted) return;
    log.info({ before: this.#sight?.record.holder }, "lease taken: this daemon serves the subnet");
    onHeld();
  }

  #lose(record: LeaseRecord): void {
    const { log, onLost } = this.#options;
    this.#heldSeq = undefined;
    const nowMs = performance.now();
    this.#sight = { record, sinceMs: nowMs, answeredSinceMs: nowMs };
    log.warn({ holder: record.holder ?? "none" }, "this daemon does not serve the subnet any more");
    onLost();
  }

  /** Resolves with the new place; undefined when another message came before. */
  async #tryWrite(holder: string | undefined, seq: number): Promise<number | undefined> {
    try {
      return await this.#write(holder, seq);
    } catch (thrown) {
      if (isCode(thrown, WRONG_SEQUENCE)) return undefined;
      throw thrown;
    }
  }

  async #write(holder: string | undefined, lastSubjectSequence: number): Promise<number> {
    const { connection, subnet } = this.#options;
    const body = JSON.stringify({ holder });
    const ack = await connection.nc
      .jetstream({ timeout: ANSWER_MS })
      .publish(leaseSubject(subnet), body, { expect: { lastSubjectSequence } });
    return ack.seq;
  }

  async #read(): Promise<LeaseRecord> {
    const { connection, subnet } = this.#options;
    this.#jsm ??= await connection.nc.jetstreamManager({ checkAPI: false, timeout: ANSWER_MS });
    const query = { last_by_subj: leaseSubject(subnet) };
    try {
      const message = await ifThere("stream", this.#jsm.streams.getMessage(leaseStream(subnet), query));
      if (message === undefined) await this.#makeStream(this.#jsm);
      return message === undefined
        ? { seq: 0 }
        : { seq: message.seq, ...message.json<{ holder?: string }>() };
    } catch (thrown) {
      if (isCode(thrown, NO_MESSAGE)) return { seq: 0 };
      throw thrown;
    }
  }

  /** In memory: it is written every second, and means nothing once all servers were down. */
  async #makeStream(jsm: JetStreamManager): Promise<void> {
    const { subnet, servers } = this.#options;
    await jsm.streams.add({
      name: leaseStream(subnet),
      subjects: [leaseSubject(subnet)],
      storage: StorageType.Memory,
      num_replicas: servers,
      max_msgs_per_subject: 1,
      max_bytes: 65_536,
      max_msg_size: 1024,
      discard: DiscardPolicy.Old,
    });
  }
}

function isCode(thrown: unknown, code: number): boolean {
  return thrown instanceof NatsError && thrown.api_error?.err_code === code;
}
