import { type Logger, linkSpan, MeshError, type Message, type MessageSpan, type Policy } from "@adaos/core";
import type { Part, PartHealth } from "@adaos/daemon";
import {
  ACK_WAIT_MS,
  type Connection,
  delay,
  PullConsumer,
  type PulledMessage,
  StreamPublisher,
} from "@adaos/transport-nats";
import { type Admitted, admit, type Direction } from "./admission.ts";

/** One direction between a subnet and the root. The two differ in these values and nothing else. */
export interface LinkOptions {
  readonly direction: Direction;
  readonly subnet: string;
  readonly policy: Policy;
  readonly connection: Connection;
  readonly source: { readonly stream: string; readonly consumer: string; readonly apiPrefix: string };
  /** Where an event of this subject is published at the other end. */
  readonly targetSubject: (subject: string) => string;
  /** The source's durable is gone: bring it back, if that is ours to do. */
  readonly onMissing: () => void;
  readonly log: Logger;
}

/** Events taken from the source at a time; they share one write at the target. */
const BATCH_MESSAGES = 250;
/** A target that does not take a batch is tried again after this, then twice as long, and so on. */
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 2000;
const STORE_TIMEOUT_MS = 5000;

/** An admitted event on its way, with the delivery to settle when it has arrived. */
interface Crossing extends Admitted {
  readonly pulled: PulledMessage;
  readonly span: MessageSpan;
}

/**
 * Carries events from one stream to another, at least once and in order: pull, check, store at the target, and only
 * then acknowledge at the source. While the target is away it holds what it has and asks for no more.
 */
export class Link implements Part {
  readonly name: string;
  readonly #options: LinkOptions;
  readonly #stopped = new AbortController();
  readonly #queue: PulledMessage[] = [];
  #pull: PullConsumer | undefined;
  #target: StreamPublisher | undefined;
  #pumping: Promise<void> | undefined;
  #flowing = false;
  #sourceTrouble = "has not heard from the source yet";
  #targetTrouble: string | undefined;
  #carried = 0;
  #refused = 0;

  constructor(options: LinkOptions) {
    this.name = `link ${options.direction} ${options.subnet}`;
    this.#options = options;
  }

  async start(): Promise<void> {
    const { connection, source, log, onMissing } = this.#options;
    this.#target = new StreamPublisher(connection, { timeoutMs: STORE_TIMEOUT_MS });
    this.#pull = new PullConsumer(
      connection,
      {
        ...source,
        batchMessages: BATCH_MESSAGES,
        ackWaitMs: ACK_WAIT_MS,
        log,
        onMissing,
        onState: (state) => {
          if (state.flowing !== this.#flowing) {
            log.info(
              { link: this.name, ...state },
              state.flowing ? "link source flowing" : "link source away",
            );
          }
          this.#flowing = state.flowing;
          if (!state.flowing) this.#sourceTrouble = state.reason;
        },
      },
      (pulled) => {
        this.#flowing = true;
        this.#queue.push(pulled);
        this.#pumping ??= this.#pump();
      },
    );
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    // What is not settled stays with the source and is delivered again to whoever pulls next.
    await this.#pull?.stop(0);
    await this.#pumping;
    await this.#target?.close();
  }

  health(): PartHealth {
    const details = { carried: this.#carried, refused: this.#refused, waiting: this.#pull?.held ?? 0 };
    if (!this.#flowing) return { ready: false, reason: `source: ${this.#sourceTrouble}`, details };
    if (this.#targetTrouble !== undefined)
      return { ready: false, reason: `target: ${this.#targetTrouble}`, details };
    return { ready: true, details };
  }

  async #pump(): Promise<void> {
    while (this.#queue.length > 0 && !this.#stopped.signal.aborted) {
      const batch = this.#queue.splice(0, BATCH_MESSAGES);
      await this.#carry(batch.flatMap((pulled) => this.#admit(pulled)));
    }
    this.#pumping = undefined;
  }

  #admit(pulled: PulledMessage): Crossing[] {
    const { policy, direction, subnet, log } = this.#options;
    try {
      const admitted = admit(policy, direction, subnet, pulled.msg);
      return [{ ...admitted, pulled, span: linkSpan(admitted, direction, subnet) }];
    } catch (thrown) {
      const error = MeshError.from(thrown, "internal", "event cannot be checked");
      this.#refused++;
      log.warn(
        { link: this.name, subject: pulled.msg.subject, seq: pulled.seq, err: error },
        "link refused an event",
      );
      pulled.settle({ kind: "term", reason: error.message });
      return [];
    }
  }

  /** Stores a batch at the target, as often as it takes, and acknowledges each event at the source once it is there. */
  async #carry(batch: readonly Crossing[]): Promise<void> {
    let left = batch;
    for (let pauseMs = FIRST_PAUSE_MS; left.length > 0; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
      left = (await Promise.all(left.map((crossing) => this.#store(crossing)))).flat();
      if (left.length === 0 || this.#stopped.signal.aborted) break;
      await delay(pauseMs, this.#stopped.signal);
    }
    // Stopped with some still waiting: their spans end here, their deliveries begin anew elsewhere.
    for (const { span } of left) span.end(new MeshError("closed", "the link was stopped"));
    if (left.length === 0) this.#targetTrouble = undefined;
  }

  /** Returns the crossing when it must be tried again. */
  async #store(crossing: Crossing): Promise<Crossing[]> {
    const { message, span, pulled } = crossing;
    try {
      const outgoing: Message = {
        ...message,
        subject: this.#options.targetSubject(message.subject),
        headers: span.headers,
      };
      await this.#target?.publish(outgoing);
      this.#carried++;
      pulled.settle({ kind: "ack" });
      span.end();
      return [];
    } catch (thrown) {
      const error = MeshError.from(thrown, "internal", "event cannot be stored");
      if (this.#targetTrouble !== error.message) {
        this.#options.log.warn({ link: this.name, err: error }, "link target trouble");
        this.#targetTrouble = error.message;
      }
      // Nothing that the target says ends an event: it waits at its source until somebody has mended the target.
      return [crossing];
    }
  }
}
