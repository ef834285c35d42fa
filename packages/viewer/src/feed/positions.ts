import { MeshError } from "@adaos/core";
import { originTokenProblem, quote } from "@adaos/core/wire";
import type { FollowFrom } from "@adaos/operations";

/** Streams of one reader. A mesh has fewer on one machine. */
export const MAX_PLACES = 64;
/** The end of the year 9999: servers read no later time. */
const MAX_TIME_MS = 253_402_300_799_999;

/** Where a reader goes on in a stream: behind a number, or at a time when no number of it is known yet. */
export type Position = Extract<FollowFrom, { readonly kind: "after" | "time" }>;

/** A reader's place in every stream that it follows. */
export class Positions {
  readonly #seqs = new Map<string, number>();
  readonly #times = new Map<string, number>();

  /** The last number that the reader has passed; undefined where none is known yet. */
  seqOf(at: string): number | undefined {
    return this.#seqs.get(at);
  }

  set(at: string, seq: number): void {
    this.#seqs.set(at, seq);
  }

  /** Until a number is known, the reader begins with what is stored from this time on. */
  setTime(at: string, ms: number): void {
    this.#times.set(at, ms);
  }

  /** The stream counts anew. */
  forget(at: string): void {
    this.#seqs.set(at, 0);
  }

  of(at: string): Position | undefined {
    const [seq, ms] = [this.#seqs.get(at), this.#times.get(at)];
    if (seq !== undefined) return { kind: "after", seq };
    return ms === undefined ? undefined : { kind: "time", ms };
  }

  /** `alpha:1042,beta:t1767600000000`: the id of a message, from which a reader goes on. */
  get id(): string {
    let id = "";
    for (const [at, seq] of this.#seqs) id += `${id === "" ? "" : ","}${at}:${seq}`;
    for (const [at, ms] of this.#times) if (!this.#seqs.has(at)) id += `${id === "" ? "" : ","}${at}:t${ms}`;
    return id;
  }
}

/** Parses an id. Throws `usage`. Pure. */
export function parsePositions(text: string): ReadonlyMap<string, Position> {
  const positions = new Map<string, Position>();
  const parts = text.split(",", MAX_PLACES + 1);
  for (const part of parts) {
    const [, at = "", time, digits = ""] = /^([^:]+):(t?)(0|[1-9]\d{0,15})$/.exec(part) ?? [];
    const isKnown = at !== "" && originTokenProblem(at) === undefined && !positions.has(at);
    const value = Number(digits);
    const isValue = Number.isSafeInteger(value) && (time === "" || value <= MAX_TIME_MS);
    if (!isKnown || !isValue || parts.length > MAX_PLACES)
      throw new MeshError(
        "usage",
        `after is the id of a message, like alpha:1042,beta:7; got ${quote(text)}`,
      );
    positions.set(at, time === "" ? { kind: "after", seq: value } : { kind: "time", ms: value });
  }
  return positions;
}
