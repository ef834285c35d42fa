import { type Logger, MeshError, type MeshErrorCode } from "@adaos/core";
import { messageOf, within } from "@adaos/core/wire";
import type { DomainEvent } from "../events/domain-event.ts";

/** Publishes one event; repeated with the same id it stores nothing. */
export type PublishEvent = (event: DomainEvent) => Promise<unknown>;

/** Time may cure these. */
const CURABLE: ReadonlySet<MeshErrorCode> = new Set(["unavailable", "timeout", "backpressure"]);
const MAX_WAITING = 32;
const LAST_MS = 2000;

/** The events of a probe on their way: in order, none twice, and never in the way of a look. */
export class EventOutbox {
  readonly #publish: PublishEvent;
  readonly #log: Logger;
  readonly #waiting: DomainEvent[] = [];
  #sending: Promise<void> | undefined;
  #problem: string | undefined;

  constructor(publish: PublishEvent, log: Logger) {
    this.#publish = publish;
    this.#log = log;
  }

  /** Why the last event was not published; nothing when it was. */
  get problem(): string | undefined {
    return this.#problem;
  }

  add(event: DomainEvent): void {
    this.#waiting.push(event);
    // The newest events show the current state.
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
    this.send();
  }

  /** Tries again what could not be published. */
  send(): void {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
  }

  /** Sends what it can in a moment. */
  async close(): Promise<void> {
    this.send();
    if (this.#sending !== undefined) await within(this.#sending, LAST_MS);
  }

  async #send(): Promise<void> {
    for (let event = this.#waiting[0]; event !== undefined; event = this.#waiting[0]) {
      try {
        await this.#publish(event);
        this.#problem = undefined;
      } catch (thrown) {
        this.#tell(event, messageOf(thrown));
        if (thrown instanceof MeshError && CURABLE.has(thrown.code)) return;
      }
      if (this.#waiting[0] === event) this.#waiting.shift();
    }
  }

  #tell({ ref }: DomainEvent, problem: string): void {
    // Without the right to publish it every change would say so again.
    if (this.#problem !== problem)
      this.#log.warn({ event_type: ref, reason: problem }, "probe event not published");
    this.#problem = problem;
  }
}
