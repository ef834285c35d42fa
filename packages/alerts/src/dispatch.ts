import type { Logger } from "@adaos/core";
import { delay, messageOf, resolveRetry, retryDelayMs, settleFailure } from "@adaos/core/wire";
import type { AlertRecord } from "./record.ts";

export interface DispatchOptions {
  readonly name: string;
  /** How long the first change waits for others to be sent with it. */
  readonly gatherMs: number;
  /** Between two deliveries, at least. */
  readonly pauseMs: number;
  /** Delivered at a time, at most. */
  readonly most: number;
  /** Rejects when it was not taken; whether it is tried again is up to the error, as with a handler. */
  readonly deliver: (records: readonly AlertRecord[]) => Promise<void>;
  /** It was tried for the last time. Rejects when that cannot be kept. */
  readonly onGivenUp: (records: readonly AlertRecord[], reason: string) => Promise<void>;
  readonly onOutcome?: (outcome: "sent" | "failed" | "given_up") => void;
  readonly log: Logger;
}

/** 2, 4, 8 s … then every five minutes, ±20 %: some two days. */
const RETRY = resolveRetry({ maxRetries: 600 });
/** Where what was given up cannot be kept, it is tried again. */
const KEEP_AGAIN_MS = 5000;

/**
 * Delivers changes of alerts in order. Changes that come together are sent together, no more often than the limit
 * allows. A failed delivery is retried like an event whose handler failed. Later changes wait behind it.
 */
export class Dispatch {
  readonly #options: DispatchOptions;
  readonly #stopped = new AbortController();
  #waiting: { readonly record: AlertRecord; readonly onDone: () => void }[] = [];
  #carrying: Promise<void> | undefined;

  constructor(options: DispatchOptions) {
    this.#options = options;
  }

  /** @param onDone Called when it was delivered or given up; never after {@link stop}. */
  add(record: AlertRecord, onDone: () => void): void {
    this.#waiting.push({ record, onDone });
    this.#carrying ??= this.#carry().finally(() => {
      this.#carrying = undefined;
    });
  }

  /** Lets what is under way end, and begins nothing more. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#carrying;
  }

  /** Until nothing waits. Never rejects. */
  async #carry(): Promise<void> {
    const { gatherMs, pauseMs, most } = this.#options;
    const { signal } = this.#stopped;
    while (this.#waiting.length > 0) {
      await delay(gatherMs, signal);
      const group = this.#waiting.slice(0, most);
      const records = group.map(({ record }) => record);
      for (let attempt = 1; !signal.aborted && !(await this.#tryOnce(records, attempt)); ) attempt++;
      if (signal.aborted) return;
      this.#waiting = this.#waiting.slice(group.length);
      for (const { onDone } of group) onDone();
      await delay(pauseMs, signal);
    }
  }

  /** Whether these are done with. Waits before it says no. */
  async #tryOnce(records: readonly AlertRecord[], attempt: number): Promise<boolean> {
    const { deliver, onOutcome, name, log } = this.#options;
    try {
      await deliver(records);
      onOutcome?.("sent");
      return true;
    } catch (thrown) {
      const reason = messageOf(thrown);
      const decision = settleFailure(thrown, attempt, RETRY, [], Math.random());
      if (decision.kind !== "retry") return this.#giveUp(records, reason);
      // A webhook may ask for a longer wait, not for a shorter one: that would use up all attempts within a moment.
      const delayMs = Math.max(decision.delayMs, retryDelayMs(RETRY, attempt, Math.random()));
      log.warn({ name, attempt, reason, delayMs }, "alert not delivered");
      onOutcome?.("failed");
      await delay(delayMs, this.#stopped.signal);
      return false;
    }
  }

  async #giveUp(records: readonly AlertRecord[], reason: string): Promise<boolean> {
    const { onGivenUp, onOutcome, name, log } = this.#options;
    try {
      await onGivenUp(records, reason);
    } catch (err) {
      log.warn({ name, err }, "undelivered alert not kept");
      await delay(KEEP_AGAIN_MS, this.#stopped.signal);
      return false;
    }
    const alerts = records.map(({ alert }) => alert.alert);
    log.error({ name, reason, alerts }, "alert given up");
    onOutcome?.("given_up");
    return true;
  }
}
