import { MeshError } from "@adaos/core";
import { pick, randomFrom } from "./random.ts";

/** A possible fault, and its targets. */
export interface FaultChoice {
  readonly name: string;
  readonly targets: readonly string[];
}

export interface PlannedFault {
  readonly fault: string;
  readonly target: string;
  /** Time until its cause is removed, milliseconds. */
  readonly holdMs: number;
  /** Seed of the fault's other random choices. */
  readonly seed: number;
}

export interface PlanLimits {
  /** 1 to 100,000. */
  readonly iterations: number;
  readonly seed: number;
  readonly minHoldMs: number;
  readonly maxHoldMs: number;
}

/** The faults in order: the same for the same seed and choices. Throws `usage` when none is possible. Pure. */
export function planFaults(choices: readonly FaultChoice[], limits: PlanLimits): PlannedFault[] {
  const possible = choices.filter(({ targets }) => targets.length > 0);
  if (possible.length === 0) {
    const names = choices.map(({ name }) => name).join(", ");
    throw new MeshError("usage", `nothing here can be hit by ${names}`);
  }
  const random = randomFrom(limits.seed);
  return Array.from({ length: limits.iterations }, () => {
    // The fault is drawn first, then its target: many targets do not make a fault more likely.
    const choice = pick(possible, random) as FaultChoice;
    return {
      fault: choice.name,
      target: pick(choice.targets, random) as string,
      holdMs: Math.round(limits.minHoldMs + random() * (limits.maxHoldMs - limits.minHoldMs)),
      seed: Math.floor(random() * 2 ** 31),
    };
  });
}
