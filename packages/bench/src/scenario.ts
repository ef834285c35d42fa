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
  /** Whose it is, where one turn measures several. @default the turn's */
  readonly contender?: string;
}

/** One contender's part in a scenario. */
export interface Turn {
  readonly contender: string;
  /** One run of it; `run` names nothing else. Rejects when the run gave no number that can be trusted. */
  measure(run: string): Promise<readonly Measured[]>;
}

export interface Scenario {
  /** Those that begin alike are asked for together: `S2` means `S2a`, `S2b` and `S2c`. */
  readonly id: string;
  readonly title: string;
  /** What the numbers depend on. @param scale Share of the events that are really sent. */
  conditions(scale: number): string;
  /** The contender that the others are compared with. */
  readonly reference: string;
  /** Starts what the turns need. None where nothing of it can be measured here; the lab is told why. */
  prepare(lab: Lab): Promise<readonly Turn[]>;
}

/** `a` in a second, seeing that it took `ms`. Pure. */
export function perSecond(a: number, ms: number): number {
  return (a * 1000) / ms;
}

/** A share of a count, but never nothing. Pure. */
export function scaled(count: number, scale: number): number {
  return Math.max(1, Math.round(count * scale));
}
