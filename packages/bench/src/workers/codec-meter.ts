import { TEXT_EVENT } from "../bench-registry.ts";

/** Processor time of an amount of work, and of one codec meanwhile. */
export interface Spent {
  /** Of all threads, without the meter's own use. */
  readonly cpuMs: number;
  readonly codecMs: number;
}

/** Enough that a cold cache does not count. */
const BURST = 1000;
const EACH_MS = 500;
/** Least number of bursts, however short the run was. */
const MIN_BURSTS = 10;

/**
 * Measures the processor time of its process, and of a codec at the same time: a few codecs in between, so that a
 * slow machine slows both. One codec is one `JSON.parse` and one `JSON.stringify` of an envelope with such a text.
 */
export class CodecMeter {
  readonly #envelope: string;
  readonly #timer: NodeJS.Timeout;
  readonly #start: NodeJS.CpuUsage;
  #bursts = 0;
  #burstsMs = 0;

  /** Starts measuring. */
  constructor(text: string) {
    this.#envelope = JSON.stringify(envelopeOf(text));
    // The first ones are for the compiler.
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
    // Used, so that no compiler removes it.
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
