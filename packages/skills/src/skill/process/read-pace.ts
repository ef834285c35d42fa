/** A message costs as much as these bytes: to read one takes longer than its bytes. */
const BYTES_PER_MESSAGE = 1024;
const BUDGET_PER_SECOND = 8 * 1024 * 1024;

/**
 * How fast a daemon reads what a skill writes: 8 MiB a second, or 8,000 messages. A skill that writes faster waits in
 * its own write, and does not take the daemon's time from others. Pure but for its own counts.
 */
export class ReadPace {
  #second = -1;
  #spent = 0;

  /**
   * Counts what was read, and returns for how long nothing more is to be read.
   * @param nowMs Any clock that does not go back.
   */
  take(bytes: number, messages: number, nowMs: number): number {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#spent = 0;
    }
    this.#spent += bytes + messages * BYTES_PER_MESSAGE;
    return this.#spent > BUDGET_PER_SECOND ? (second + 1) * 1000 - nowMs : 0;
  }
}
