import type { Bus, EventPattern, Logger, Subscription } from "@adaos/core";
import { counted, delay, messageOf, minimalPatterns } from "@adaos/core/wire";
import type { Part, PartHealth } from "@adaos/daemon";

/** Logs a line for every event that the member may see: the event, its origin, and its latency. */
export class EventJournal implements Part {
  readonly name = "journal";
  readonly #bus: Bus;
  readonly #patterns: readonly EventPattern[];
  readonly #log: Logger;
  readonly #subscriptions: Subscription[] = [];

  constructor(bus: Bus, patterns: readonly EventPattern[], log: Logger) {
    this.#bus = bus;
    this.#patterns = minimalPatterns(patterns);
    this.#log = log;
  }

  async start(signal: AbortSignal): Promise<void> {
    // A subscribe may be waiting for a hub that never comes.
    signal.addEventListener("abort", () => void this.#bus.close(), { once: true });
    for (const pattern of this.#patterns) await this.#subscribe(pattern, signal);
  }

  async stop(): Promise<void> {
    await this.#bus.close();
  }

  health(): PartHealth {
    const details = { ...this.#bus.stats, deprecated: this.#bus.deprecated };
    const missing = this.#patterns.length - this.#subscriptions.length;
    return missing === 0
      ? { ready: true, details }
      : { ready: false, reason: `${counted(missing, "durable")} missing`, details };
  }

  async #subscribe(pattern: EventPattern, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const subscription = await this.#bus.subscribe(
          pattern.text,
          // A repeated line does no harm, and an observer does not answer commands.
          { durable: durableFor(pattern), idempotency: "off", answers: false, counted: false },
          (event, { address }) => {
            const { event_id, event_name, version, correlation_id, ts } = event;
            const from = `${address.subnet}/${address.node}`;
            this.#log.info(
              { event_id, event_name, version, from, correlation_id, ageMs: Date.now() - Date.parse(ts) },
              "event received",
            );
          },
        );
        this.#subscriptions.push(subscription);
        return;
      } catch (err) {
        this.#log.warn({ pattern: pattern.text, reason: messageOf(err) }, "journal not subscribed yet");
        await delay(1000, signal);
      }
    }
  }
}

/** `nlp.` gives `journal-nlp`. */
function durableFor({ kind, text }: EventPattern): string {
  if (kind === "all") return "journal";
  return `journal-${text.replace(/\.$/, "").replaceAll(/[^a-z0-9]/g, "-")}`.slice(0, 63);
}
