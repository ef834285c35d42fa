import { MeshError, type TimerInfo, type Timers } from "@adaos/core";
import { delay, type TimerDefinition } from "@adaos/core/wire";
import type { TimerReply, TimerRequest } from "./hub-requests.ts";

/** Asks the hub once. */
type Ask = (request: TimerRequest) => Promise<TimerReply>;

const PATIENT_MS = 10_000;
const RETRY_MS = 200;
/** At a time: the hub drops unread what it cannot answer at once, 16 requests of all programs of a member. */
const MAX_ASKED = 8;

/** The timers of a node at its hub. */
export class HubTimers implements Timers {
  readonly #askOnce: Ask;
  readonly #signal: AbortSignal;
  #free = MAX_ASKED;
  readonly #waiting: (() => void)[] = [];
  /** When the hub answered last. */
  #answeredMs = 0;

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
    const { event_id } = await this.#inTurn(() => this.#askOnce({ op: "trigger", name }));
    if (event_id === undefined) throw unreadable();
    return event_id;
  }

  async #timerOf(request: TimerRequest): Promise<TimerInfo> {
    const { timer } = await this.#ask(request);
    if (timer === undefined) throw unreadable();
    return timer;
  }

  /** Asks until the hub answers, for a limited time: these requests may be repeated. */
  #ask(request: TimerRequest): Promise<TimerReply> {
    const startMs = Date.now();
    return this.#inTurn(async () => {
      for (;;) {
        try {
          const reply = await this.#askOnce(request);
          this.#answeredMs = Date.now();
          return reply;
        } catch (thrown) {
          if (this.#signal.aborted) throw new MeshError("closed", "the connection is closed");
          const isAway = thrown instanceof MeshError && thrown.code === "unavailable";
          if (!isAway) this.#answeredMs = Date.now();
          // Those that wait their turn behind a hub that answers are patient.
          const silentMs = Date.now() - Math.max(startMs, this.#answeredMs);
          if (!isAway || silentMs >= PATIENT_MS) throw thrown;
          await delay(RETRY_MS, this.#signal);
        }
      }
    });
  }

  async #inTurn<T>(act: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await act();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}

function unreadable(): MeshError {
  return new MeshError("internal", "the hub's answer cannot be read");
}
