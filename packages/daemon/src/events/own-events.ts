import { type Logger, MeshError } from "@adaos/core";
import { type DaemonEvent, delay } from "@adaos/core/wire";

export interface OwnEventsOptions {
  /** Stores an event. Rejects with a MeshError. */
  readonly publish: (event: DaemonEvent) => Promise<unknown>;
  /**
   * Whether the registry in force declares an event and the node may publish it; undefined while no registry is known.
   * An undeclared event would only be parked, for every durable that takes everything.
   */
  readonly mayPublish: (name: string) => boolean | undefined;
  readonly log: Logger;
  /** @default 1000 */
  readonly firstPauseMs?: number;
}

/** Further events are dropped, and logged. */
const MAX_WAITING = 50;
const FIRST_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 30_000;

/**
 * Publishes a daemon's own events in order, each until it is stored. Nothing waits for it: a server that is away only
 * delays the events.
 */
export class OwnEvents {
  readonly #options: OwnEventsOptions;
  readonly #stopped = new AbortController();
  readonly #waiting: DaemonEvent[] = [];
  #publishing: Promise<void> | undefined;

  constructor(options: OwnEventsOptions) {
    this.#options = options;
  }

  add(event: DaemonEvent): void {
    if (this.#stopped.signal.aborted) return;
    const { id, name } = event;
    if (this.#waiting.length >= MAX_WAITING)
      return this.#options.log.warn({ event_id: id, event: name }, "own event dropped: too many wait");
    this.#waiting.push(event);
    this.#publishing ??= this.#publishAll().finally(() => {
      this.#publishing = undefined;
    });
  }

  /** Waits for the publish under way; later events are dropped. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#publishing;
  }

  /** Never rejects. */
  async #publishAll(): Promise<void> {
    const { signal } = this.#stopped;
    const { firstPauseMs = FIRST_PAUSE_MS } = this.#options;
    let pauseMs = firstPauseMs;
    for (let event = this.#waiting[0]; event !== undefined && !signal.aborted; event = this.#waiting[0]) {
      if (await this.#isDone(event)) {
        this.#waiting.shift();
        pauseMs = firstPauseMs;
      } else {
        await delay(pauseMs, signal);
        pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
      }
    }
  }

  /** Whether the event is stored, or will never be. */
  async #isDone(event: DaemonEvent): Promise<boolean> {
    const { publish, mayPublish, log } = this.#options;
    const fields = { event_id: event.id, event: event.name };
    const may = mayPublish(event.name);
    if (may === undefined) return false;
    if (!may) {
      log.info(
        fields,
        "own event not published: the registry does not declare it, or policy does not allow it",
      );
      return true;
    }
    try {
      await publish(event);
      return true;
    } catch (thrown) {
      const error = MeshError.from(thrown, "internal", "own event not published");
      // At a stop the connection closes; the next process has a start of its own to report.
      if (error.code === "closed") return true;
      const isTriedAgain = ["unavailable", "timeout", "backpressure"].includes(error.code);
      log[isTriedAgain ? "info" : "warn"]({ ...fields, isTriedAgain, err: error }, "own event not published");
      return !isTriedAgain;
    }
  }
}
