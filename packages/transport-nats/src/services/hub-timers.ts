import { MeshError, type TimerInfo, type Timers } from "@adaos/core";
import { delay, type TimerDefinition } from "@adaos/core/wire";
import type { TimerReply, TimerRequest } from "./hub-requests.ts";

/** Asks the hub once. */
type Ask = (request: TimerRequest) => Promise<TimerReply>;

const PATIENT_MS = 10_000;
const RETRY_MS = 200;

/** The timers of a node at its hub. */
export class HubTimers implements Timers {
  readonly #askOnce: Ask;
  readonly #signal: AbortSignal;

  /** @param signal Aborts when the connection is closed. */
  constructor(askOnce: Ask, signal: AbortSignal) {
    this.#askOnce = askOnce;
    this.#signal = signal;
  }

  put(timer: TimerDefinition): Promise<TimerInfo> {
    return this.#timerOf({ op: "put", timer });
  }

  async list(): Promise<readonly TimerInfo[]> {
    const all: TimerInfo[] = [];
    for (let after: string | undefined; ; ) {
      const { timers = [], more } = await this.#ask({
        op: "list",
        ...(after === undefined ? {} : { after }),
      });
      all.push(...timers);
      after = timers.at(-1)?.name;
      if (more !== true || after === undefined) return all;
    }
  }

  async remove(name: string): Promise<boolean> {
    return (await this.#ask({ op: "remove", name })).removed === true;
  }

  pause(name: string): Promise<TimerInfo> {
    return this.#timerOf({ op: "pause", name });
  }

  resume(name: string): Promise<TimerInfo> {
    return this.#timerOf({ op: "resume", name });
  }

  async trigger(name: string): Promise<string> {
    // A repeated request would fire twice: do not repeat it when an answer is lost.
    const { event_id } = await this.#askOnce({ op: "trigger", name });
    if (event_id === undefined) throw unreadable();
    return event_id;
  }

  async #timerOf(request: TimerRequest): Promise<TimerInfo> {
    const { timer } = await this.#ask(request);
    if (timer === undefined) throw unreadable();
    return timer;
  }

  /** Asks until the hub answers, for a limited time: these requests may be repeated. */
  async #ask(request: TimerRequest): Promise<TimerReply> {
    const deadlineMs = Date.now() + PATIENT_MS;
    for (;;) {
      try {
        return await this.#askOnce(request);
      } catch (thrown) {
        if (this.#signal.aborted) throw new MeshError("closed", "the connection is closed");
        const isAway = thrown instanceof MeshError && thrown.code === "unavailable";
        if (!isAway || Date.now() >= deadlineMs) throw thrown;
        await delay(RETRY_MS, this.#signal);
      }
    }
  }
}

function unreadable(): MeshError {
  return new MeshError("internal", "the hub's answer cannot be read");
}
