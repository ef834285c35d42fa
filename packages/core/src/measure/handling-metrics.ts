import type { FailureEnding, History } from "../handle/failure-handling.ts";
import { failureInfo } from "../handle/failure-info.ts";
import type { Envelope } from "../language/envelope.ts";
import type { Metrics } from "./metrics.ts";

/** Counts the outcomes of one durable's deliveries. Without metrics it does nothing. */
export class HandlingMetrics {
  readonly #metrics: Metrics | undefined;
  readonly #durable: string;

  constructor(metrics: Metrics | undefined, durable: string) {
    this.#metrics = metrics;
    this.#durable = durable;
  }

  /** Runs a handler and measures its duration, however it ends. */
  timed<T>(run: () => T | Promise<T>): T | Promise<T> {
    if (this.#metrics === undefined) return run();
    const startMs = performance.now();
    let ran: T | Promise<T> | undefined;
    try {
      ran = run();
    } finally {
      if (!(ran instanceof Promise)) this.#took(startMs);
    }
    return ran instanceof Promise ? ran.finally(() => this.#took(startMs)) : ran;
  }

  /** An event is handled: its handler ran now, or had run before. */
  succeeded(envelope: Envelope | undefined, { failures }: Pick<History, "failures">, ran: boolean): void {
    if (!ran) return this.#metrics?.count("settled", [this.#durable, "repeated"]);
    this.#ended(envelope, failures > 0 ? "success_after_retry" : "success", failures);
  }

  /** An attempt has failed, perhaps the last. */
  failed(
    envelope: Envelope | undefined,
    { failures }: Pick<History, "failures">,
    { outcome, category }: Pick<FailureEnding, "outcome" | "category">,
    thrown: unknown,
  ): void {
    if (this.#metrics === undefined) return;
    this.#metrics.count("attemptsFailed", [this.#durable, category, failureInfo(thrown).type]);
    if (outcome === "held") this.held();
    if (outcome !== "deadLettered" && outcome !== "failed") return;
    const isFailed = outcome === "failed" || category === "permanent";
    this.#ended(envelope, isFailed ? "failed" : "dead_letter", failures);
  }

  /** An event without a known schema was parked, or refused for lack of room. */
  unknown(outcome: "parked" | "refused"): void {
    this.#metrics?.count("settled", [this.#durable, outcome]);
  }

  held(): void {
    this.#metrics?.count("held", [this.#durable]);
  }

  #took(startMs: number): void {
    this.#metrics?.observe("handlingMs", performance.now() - startMs, [this.#durable]);
  }

  #ended(envelope: Envelope | undefined, outcome: string, failures: number): void {
    if (this.#metrics === undefined) return;
    this.#metrics.count("settled", [this.#durable, outcome]);
    if (failures > 0) this.#metrics.observe("retries", failures, [this.#durable]);
    if (envelope === undefined) return;
    this.#metrics.observe("ageMs", Date.now() - Date.parse(envelope.ts), [this.#durable]);
  }
}
