import { MeshError } from "../language/errors.ts";
import { parseEventRef } from "../language/event-name.ts";
import { delay } from "../time/delay.ts";
import type { Logger, SchemaRegistry } from "../transport.ts";
import type { EventParking } from "./failure-journal.ts";

/**
 * Looked at again so often though nothing seems to have changed: another process of the node may have parked something.
 */
const LOOK_MS = 60_000;
/** A look that failed is tried again after this, then twice as long, and so on. */
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 15_000;

/** Looks which events wait for their schema at the durables of a bus, and releases those that have it now. */
export class ParkedEvents {
  readonly #parking: EventParking;
  readonly #registry: SchemaRegistry;
  readonly #log: Logger;
  readonly #durables = new Set<string>();
  readonly #closed = new AbortController();
  readonly #unlisten: () => void;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #again = false;

  constructor(parking: EventParking, registry: SchemaRegistry, log: Logger) {
    this.#parking = parking;
    this.#registry = registry;
    this.#log = log;
    this.#unlisten = registry.onChange(() => this.look());
  }

  /** Looks after this durable from now on. */
  add(durable: string): void {
    this.#durables.add(durable);
    this.#timer ??= setInterval(() => this.look(), LOOK_MS).unref();
    this.look();
  }

  remove(durable: string): void {
    this.#durables.delete(durable);
  }

  /** Called whenever something may have come or changed. Looks once more when it is just looking. */
  look(): void {
    if (this.#durables.size === 0 || this.#closed.signal.aborted) return;
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Releases nothing more. */
  async close(): Promise<void> {
    this.#unlisten();
    clearInterval(this.#timer);
    this.#closed.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed;
    let retryMs = FIRST_RETRY_MS;
    while (this.#again && !signal.aborted) {
      this.#again = false;
      let failed = false;
      for (const durable of this.#durables) if (!(await this.#releaseKnown(durable))) failed = true;
      if (!failed) retryMs = FIRST_RETRY_MS;
      else {
        this.#again = true;
        await delay(retryMs, signal);
        retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
      }
    }
  }

  /** Whether nothing is left to do for now. Never rejects. */
  async #releaseKnown(durable: string): Promise<boolean> {
    try {
      for (const event of await this.#parking.parked(durable)) {
        if (this.#closed.signal.aborted) return true;
        if (!this.#isKnown(event)) continue;
        const released = await this.#parking.release(durable, event);
        if (released > 0) this.#log.info({ durable, event, released }, "parked events released");
      }
      return true;
    } catch (err) {
      if (!this.#closed.signal.aborted) this.#log.debug({ durable, err }, "parked events not looked at yet");
      // A request that will never be allowed is not repeated.
      return err instanceof MeshError && (err.code === "denied" || err.code === "usage");
    }
  }

  #isKnown(event: string): boolean {
    try {
      const { name, version } = parseEventRef(event);
      return this.#registry.resolve(name, version) !== undefined;
    } catch {
      return false;
    }
  }
}
