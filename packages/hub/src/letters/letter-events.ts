import { type Logger, MeshError } from "@adaos/core";
import { type DaemonEvent, deadLetterStream, deadLettersOf, every, TokenBucket } from "@adaos/core/wire";
import type { Part, PartHealth } from "@adaos/daemon";
import { ACK_WAIT_MS, type Connection, PullConsumer, type PulledMessage } from "@adaos/transport-nats";
import { AckPolicy, DeliverPolicy, type JetStreamManager } from "nats";
import { DEAD_LETTERED, type LetterReport, letterEvent, reportOf } from "./letter-event.ts";

export interface LetterEventsOptions {
  readonly subnet: string;
  readonly connection: Connection;
  readonly jsm: JetStreamManager;
  readonly publish: (event: DaemonEvent) => Promise<unknown>;
  /** As for {@link OwnEvents}. */
  readonly mayPublish: (name: string) => boolean | undefined;
  readonly log: Logger;
}

/** It remembers which dead letters were reported, also while no hub daemon runs. */
const DURABLE = "reports";
/** A storm of dead letters must not fill the stream of events. */
const PER_SECOND = 5;
/** A dead letter holds its event, so few are held at a time. */
const MAX_HELD = 20;
const TICK_MS = 1000;
const AGAIN_MS = 5000;

type Reported = Extract<LetterReport, { readonly data: unknown }>["data"];

/**
 * Reports each new dead letter of the subnet by `mesh.delivery.dead_lettered@1`. Of more than five in a second the
 * newest is reported, with the number of the others.
 */
export class LetterEvents implements Part {
  readonly name = "letters";
  readonly #options: LetterEventsOptions;
  readonly #bucket = new TokenBucket(PER_SECOND);
  /** The newest letter that came too fast. It is settled with its report, so a crash loses none but those before it. */
  #late: { readonly pulled: PulledMessage; readonly data: Reported } | undefined;
  #unreported = 0;
  #reported = 0;
  #pull: PullConsumer | undefined;
  #stopTicking: () => void = () => undefined;

  constructor(options: LetterEventsOptions) {
    this.#options = options;
  }

  /** Resolves also when the durable cannot be made yet: the pull makes it later. */
  async start(): Promise<void> {
    const { connection, subnet, log } = this.#options;
    await this.#ensureDurable();
    this.#stopTicking = every(TICK_MS, () => this.#tick());
    this.#pull = new PullConsumer(
      connection,
      {
        stream: deadLetterStream(subnet),
        consumer: DURABLE,
        batchMessages: MAX_HELD,
        ackWaitMs: ACK_WAIT_MS,
        log,
        onMissing: () => void this.#ensureDurable(),
      },
      (pulled) => this.#take(pulled),
    );
  }

  async stop(): Promise<void> {
    this.#stopTicking();
    await this.#pull?.stop(0);
  }

  health(): PartHealth {
    return { ready: true, details: { reported: this.#reported, unreported: this.#unreported } };
  }

  async #ensureDurable(): Promise<void> {
    const { jsm, subnet, log } = this.#options;
    try {
      await jsm.consumers.add(deadLetterStream(subnet), {
        durable_name: DURABLE,
        filter_subject: deadLettersOf({ subnet, node: "*", durable: "*" }),
        ack_policy: AckPolicy.Explicit,
        ack_wait: ACK_WAIT_MS * 1e6,
        deliver_policy: DeliverPolicy.New,
        max_ack_pending: MAX_HELD,
      });
    } catch (err) {
      log.warn({ durable: DURABLE, err }, "durable not made");
    }
  }

  #take(pulled: PulledMessage): void {
    const { mayPublish, log } = this.#options;
    const may = mayPublish(DEAD_LETTERED);
    // Before the hub has its registry.
    if (may === undefined) return pulled.settle({ kind: "nak", delayMs: AGAIN_MS });
    const report: LetterReport = may
      ? reportOf(pulled.msg.subject, pulled.msg.data)
      : { silent: "not declared" };
    if ("silent" in report) {
      log.debug({ subject: pulled.msg.subject, why: report.silent }, "dead letter not reported");
      return pulled.settle({ kind: "ack" });
    }
    if (this.#late === undefined && this.#hasToken()) return this.#report(pulled, report.data);
    if (this.#late !== undefined) {
      this.#unreported++;
      this.#late.pulled.settle({ kind: "ack" });
    }
    this.#late = { pulled, data: report.data };
  }

  #tick(): void {
    const late = this.#late;
    if (late === undefined || !this.#hasToken()) return;
    this.#late = undefined;
    this.#report(late.pulled, late.data);
  }

  #hasToken(): boolean {
    return this.#bucket.available(performance.now()) >= 1;
  }

  #report(pulled: PulledMessage, data: Reported): void {
    this.#bucket.spend(1);
    const unreported = this.#unreported;
    this.#unreported = 0;
    this.#options.publish(letterEvent(data, unreported)).then(
      () => {
        this.#reported++;
        pulled.settle({ kind: "ack" });
      },
      (thrown: unknown) => {
        const error = MeshError.from(thrown, "internal", "dead letter not reported");
        this.#unreported += unreported;
        const isTriedAgain = ["unavailable", "timeout", "backpressure", "closed"].includes(error.code);
        this.#options.log.warn(
          { event_id: data["event_id"], isTriedAgain, err: error },
          "dead letter not reported",
        );
        pulled.settle(isTriedAgain ? { kind: "nak", delayMs: AGAIN_MS } : { kind: "ack" });
      },
    );
  }
}
