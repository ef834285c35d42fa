import { ACK_WAIT_MS, type Connection, PullConsumer, type PulledMessage } from "@adaos/transport-nats";
import { AckPolicy, DeliverPolicy, type JetStreamManager } from "nats";
import { Dispatch, type DispatchOptions } from "./dispatch.ts";
import { type AlertRecord, parseRecord } from "./record.ts";

export interface CourierOptions extends Omit<DispatchOptions, "name"> {
  readonly connection: Connection;
  readonly jsm: JetStreamManager;
  readonly stream: string;
  readonly filter: string;
  /** Remembers what was delivered; it is the courier's alone. */
  readonly durable: string;
  /** Whether it is delivered at all. */
  readonly isWanted: (record: AlertRecord) => boolean;
}

const MAX_HELD = 500;

/** Carries the changes of alerts out of their stream, in order and at least once. */
export class Courier {
  readonly #options: CourierOptions;
  readonly #dispatch: Dispatch;
  #pull: PullConsumer | undefined;

  constructor(options: CourierOptions) {
    this.#options = options;
    this.#dispatch = new Dispatch({ ...options, name: options.durable });
  }

  /** Makes the durable where it is not there: it begins with what comes from now on. Rejects as the client does. */
  async start(): Promise<void> {
    const { connection, stream, durable, log } = this.#options;
    await this.#makeDurable();
    const onMissing = (): void => {
      this.#makeDurable().catch((err: unknown) => log.warn({ durable, err }, "durable not made"));
    };
    this.#pull = new PullConsumer(
      connection,
      { stream, consumer: durable, batchMessages: MAX_HELD, ackWaitMs: ACK_WAIT_MS, log, onMissing },
      (pulled) => this.#take(pulled),
    );
  }

  /** The stream redelivers the records that are not acknowledged. */
  async stop(): Promise<void> {
    await this.#dispatch.stop();
    await this.#pull?.stop(0);
  }

  #take(pulled: PulledMessage): void {
    const record = parseRecord(pulled.msg.data);
    if (record === undefined) return pulled.settle({ kind: "term", reason: "no record of an alert" });
    if (!this.#options.isWanted(record)) return pulled.settle({ kind: "ack" });
    this.#dispatch.add(record, () => pulled.settle({ kind: "ack" }));
  }

  async #makeDurable(): Promise<void> {
    const { jsm, stream, durable, filter } = this.#options;
    await jsm.consumers.add(stream, {
      durable_name: durable,
      filter_subject: filter,
      ack_policy: AckPolicy.Explicit,
      ack_wait: ACK_WAIT_MS * 1e6,
      deliver_policy: DeliverPolicy.New,
      max_ack_pending: MAX_HELD,
    });
  }
}

/** Removes the durables of couriers that no longer exist. Rejects as the client does. */
export async function dropOtherCouriers(
  jsm: JetStreamManager,
  stream: string,
  kept: readonly string[],
): Promise<void> {
  for await (const { name } of jsm.consumers.list(stream)) {
    if (!kept.includes(name)) await jsm.consumers.delete(stream, name);
  }
}
