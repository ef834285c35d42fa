import type { Lab } from "./lab.ts";

export type Unit =
  | "ms"
  | "µs"
  | "events/s"
  | "deliveries/s"
  | "requests/s"
  | "letters/s"
  | "MB"
  | "MB/s"
  | "% of a core"
  | "codecs";

/** One number of one run. */
export interface Measured {
  readonly metric: string;
  readonly unit: Unit;
  readonly value: number;
  /** The measured contender, where one turn measures several. @default the turn's */
  readonly contender?: string;
}

/** One contender's part in a scenario. */
export interface Turn {
  readonly contender: string;
  /** One run; no other run has the name `run`. Rejects when the run gave no reliable number. */
  measure(run: string): Promise<readonly Measured[]>;
}

export interface Scenario {
  /** Ids with a common beginning are selected together: `S2` means `S2a`, `S2b` and `S2c`. */
  readonly id: string;
  readonly title: string;
  /** The conditions of the numbers. @param scale Share of the events that is sent. */
  conditions(scale: number): string;
  /** The contender that the others are compared with. */
  readonly reference: string;
  /**
   * Starts everything that the turns need. Returns none where it cannot be measured here; the lab gets the reason.
   */
  prepare(lab: Lab): Promise<readonly Turn[]>;
}

/** `a` for each second of `ms`. Pure. */
export function perSecond(a: number, ms: number): number {
  return (a * 1000) / ms;
}

/** A share of a count, at least 1. Pure. */
export function scaled(count: number, scale: number): number {
  return Math.max(1, Math.round(count * scale));
}
