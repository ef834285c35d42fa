import { TEXT_EVENT } from "../bench-registry.ts";

/** What an amount of work took a process, and what one codec took it meanwhile. */
export interface Spent {
  /** Of all threads, without what the meter itself has used. */
  readonly cpuMs: number;
  readonly codecMs: number;
}

/** Enough of them that a cold cache does not count. */
const BURST = 1000;
const EACH_MS = 500;
/** So many at least, however short the run was. */
const MIN_BURSTS = 10;

/**
 * Measures the processor time of its process, and that of a codec in between: a few at a time while the work goes on,
 * so that whatever slows the one slows the other. One codec is one `JSON.parse` and one `JSON.stringify` of an
 * envelope that carries such a text.
 */
export class CodecMeter {
  readonly #envelope: string;
  readonly #timer: NodeJS.Timeout;
  readonly #start: NodeJS.CpuUsage;
  #bursts = 0;
  #burstsMs = 0;

  /** Begins to measure. */
  constructor(text: string) {
    this.#envelope = JSON.stringify(envelopeOf(text));
    // The first ones are the compiler's.
    for (let i = 0; i < MIN_BURSTS; i++) this.#burst();
    this.#bursts = 0;
    this.#burstsMs = 0;
    this.#start = process.cpuUsage();
    this.#timer = setInterval(() => this.#burst(), EACH_MS);
  }

  /** Ends measuring. */
  stop(): Spent {
    clearInterval(this.#timer);
    const usedMs = millisecondsOf(process.cpuUsage(this.#start)) - this.#burstsMs;
    while (this.#bursts < MIN_BURSTS) this.#burst();
    return { cpuMs: usedMs, codecMs: this.#burstsMs / this.#bursts / BURST };
  }

  #burst(): void {
    const before = process.cpuUsage();
    let length = 0;
    for (let i = 0; i < BURST; i++) length += JSON.stringify(JSON.parse(this.#envelope)).length;
    this.#burstsMs += millisecondsOf(process.cpuUsage(before));
    this.#bursts++;
    // Used, so that no compiler leaves it out.
    if (length !== BURST * this.#envelope.length) throw new Error("an envelope came out as another");
  }
}

function millisecondsOf({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000;
}

function envelopeOf(text: string): object {
  return {
    event_id: "EVT-20250923-162000-0123456789ab",
    event_name: TEXT_EVENT,
    version: 1,
    kind: "event",
    ts: "2025-09-23T16:20:00.000Z",
    source: "app@publisher",
    correlation_id: "EVT-20250923-162000-0123456789ab",
    tenant: "default",
    headers: {},
    data: { text },
  };
}
