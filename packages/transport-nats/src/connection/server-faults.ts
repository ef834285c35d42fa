import { MeshError } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";

/** Longest pause before a server that breaks the protocol is dialled again. */
export const MAX_FAULT_PAUSE_MS = 30_000;
const FIRST_PAUSE_MS = 1000;
/** After so long without a fault, the next one counts as the first. */
const FORGET_MS = 300_000;
/** How long a fault is shown of a connection that works again. */
const SHOWN_MS = 60_000;
const MAX_TEXT = 100;

const faults = new WeakSet<Error>();

/** The error of a server that breaks the protocol or its bounds: code `unavailable`. */
export function serverFault(what: string): MeshError {
  const error = new MeshError(
    "unavailable",
    `the server ${what}, as no nats-server does; the connection is closed, dialled again later: is the address right?`,
  );
  faults.add(error);
  return error;
}

/** Whether a connection was closed because its server breaks the protocol. Sees causes, too. */
export function isServerFault(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return faults.has(thrown) || isServerFault(thrown.cause);
}

/** The start of what a server sent, safe to show: printable, and at most 100 characters. */
export function excerpt(sent: unknown): string {
  const text = messageOf(sent).replaceAll(/[^ -~]+/g, "?");
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}...` : text;
}

/** The faults of the servers of one connection, and how long to leave them alone. */
export class ServerFaults {
  #count = 0;
  #lastMs = 0;
  #last: string | undefined;

  note({ message }: Error, nowMs: number = performance.now()): void {
    this.#count = this.#last !== undefined && nowMs - this.#lastMs < FORGET_MS ? this.#count + 1 : 1;
    this.#lastMs = nowMs;
    this.#last = message;
  }

  /** Pause before the next attempt, in addition to the usual one: doubles with each fault, 30 s at most. */
  pauseMs(nowMs: number = performance.now()): number {
    if (this.#last === undefined || nowMs - this.#lastMs >= FORGET_MS) return 0;
    return Math.min(MAX_FAULT_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#count - 1));
  }

  /** The last fault, for as long as it may explain what the connection does. */
  recent(nowMs: number = performance.now()): string | undefined {
    return nowMs - this.#lastMs < SHOWN_MS ? this.#last : undefined;
  }
}
