import type { FailureEnding, History } from "../handle/failure-handling.ts";
import { failureInfo } from "../handle/failure-info.ts";
import type { Envelope } from "../language/envelope.ts";
import type { Metrics } from "./metrics.ts";

/** Counts the outcomes of one durable's deliveries. Without metrics it does nothing. */
export class HandlingMetrics {
  readonly #metrics: Metrics | undefined;
  readonly #durable: string;
  /** The counters of nearly every event, made at the first one. */
  readonly #succeeded: () => void;
  readonly #handlingMs: (ms: number) => void;
  readonly #ageMs: (ms: number) => void;

  constructor(metrics: Metrics | undefined, durable: string) {
    this.#metrics = metrics;
    this.#durable = durable;
    this.#succeeded = metrics?.counter("settled", [durable, "success"]) ?? nothing;
    this.#handlingMs = metrics?.histogram("handlingMs", [durable]) ?? nothing;
    this.#ageMs = metrics?.histogram("ageMs", [durable]) ?? nothing;
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
    if (!(ran instanceof Promise)) return ran;
    // One promise instead of the two of finally().
    return ran.then(
      (value) => {
        this.#took(startMs);
        return value;
      },
      (thrown) => {
        this.#took(startMs);
        throw thrown;
      },
    );
  }

  /** An event is handled: its handler ran now, or had run before. */
  succeeded(envelope: Envelope | undefined, { failures }: Pick<History, "failures">, ran: boolean): void {
    if (!ran) return this.#metrics?.count("settled", [this.#durable, "repeated"]);
    if (failures > 0) return this.#ended(envelope, "success_after_retry", failures);
    if (this.#metrics === undefined) return;
    this.#succeeded();
    if (envelope !== undefined) this.#ageMs(Date.now() - timeOf(envelope.ts));
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
    this.#handlingMs(performance.now() - startMs);
  }

  #ended(envelope: Envelope | undefined, outcome: string, failures: number): void {
    if (this.#metrics === undefined) return;
    this.#metrics.count("settled", [this.#durable, outcome]);
    if (failures > 0) this.#metrics.observe("retries", failures, [this.#durable]);
    if (envelope === undefined) return;
    this.#ageMs(Date.now() - timeOf(envelope.ts));
  }
}

function nothing(): void {
  // The empty counter.
}

let lastTs = "";
let lastTsMs = Number.NaN;

/** Many events share a millisecond, so the last time is kept. */
function timeOf(ts: string): number {
  if (ts !== lastTs) {
    lastTs = ts;
    lastTsMs = Date.parse(ts);
  }
  return lastTsMs;
}
