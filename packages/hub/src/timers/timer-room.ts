import { MeshError } from "@adaos/core";
import { type Timer, type TimerDefinition, timersStream } from "@adaos/core/wire";

/** One member's, beside those in the mesh file. */
const MAX_PER_MEMBER = 10_000;
/** The maximum size of a timer; a request for the timer has to fit into a message as well. */
const MAX_TIMER_BYTES = 32_768;

interface Taken {
  readonly node: string;
  readonly bytes: number;
  readonly isDeclared: boolean;
}

/** How much room timers take, so that no member's push out another's. */
export class TimerRoom {
  readonly #subnet: string;
  readonly #maxBytes: number;
  readonly #taken = new Map<string, Taken>();
  /** Those that are not in the mesh file, by member. */
  readonly #counts = new Map<string, number>();
  #bytes = 0;

  /** @param maxBytes Of all definitions together. */
  constructor(subnet: string, maxBytes: number) {
    this.#subnet = subnet;
    this.#maxBytes = maxBytes;
  }

  /** Throws `too-large` or `backpressure` where a member's timer has no room. */
  assertFor(node: string, definition: TimerDefinition): void {
    const { name } = definition;
    const bytes = sizeOf(definition);
    if (bytes > MAX_TIMER_BYTES)
      throw new MeshError("too-large", `timer ${name} has ${bytes} bytes; the limit is ${MAX_TIMER_BYTES}`);
    const before = this.#taken.get(keyOf(node, name));
    if (before === undefined && (this.#counts.get(node) ?? 0) >= MAX_PER_MEMBER)
      throw new MeshError("backpressure", `${node} has ${MAX_PER_MEMBER} timers; remove some first`);
    if (this.#bytes - (before?.bytes ?? 0) + bytes > this.#maxBytes)
      throw new MeshError(
        "backpressure",
        `${timersStream(this.#subnet)} is full of timers; remove some first`,
      );
  }

  take(timer: Timer): void {
    this.free(timer);
    const { node } = timer.owner;
    const taken = { node, bytes: sizeOf(timer), isDeclared: timer.isDeclared };
    this.#taken.set(keyOf(node, timer.name), taken);
    this.#add(taken, 1);
  }

  free({ owner, name }: Timer): void {
    const key = keyOf(owner.node, name);
    const taken = this.#taken.get(key);
    if (taken === undefined) return;
    this.#taken.delete(key);
    this.#add(taken, -1);
  }

  #add({ node, bytes, isDeclared }: Taken, sign: 1 | -1): void {
    this.#bytes += sign * bytes;
    if (!isDeclared) this.#counts.set(node, (this.#counts.get(node) ?? 0) + sign);
  }
}

function sizeOf(definition: TimerDefinition): number {
  return Buffer.byteLength(JSON.stringify(definition));
}

function keyOf(node: string, name: string): string {
  return `${node}/${name}`;
}
