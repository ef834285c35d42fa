import type { PlaceMark, SeqRange, StreamDamage } from "./compare-stream.ts";

/**
 * Kind of damage to a stream:
 * - `missing`: it was not there, and was created again
 * - `recreated`: the server or somebody else has created it again, perhaps from blocks on the disk
 * - `cut`: its end is gone
 * - `rewound`: its end is gone, and other messages have its numbers
 * - `holes`: messages within it, or at its beginning, are gone
 */
export type DamageKind = "missing" | "recreated" | "cut" | "rewound" | "holes";

/** A stream that differs from its recorded position. */
export interface StoreDamage extends StreamDamage {
  readonly stream: string;
  readonly kind: DamageKind;
  /** RFC 3339. */
  readonly foundAt: string;
  /** The last known mark before all that is lost. */
  readonly mark?: PlaceMark;
  /** Durables that were lost with it, or that would have skipped events. Each continues from its position. */
  readonly durablesAnew: readonly string[];
}

/**
 * Pure.
 * @param lastSeq Last place of the stream, as recorded and as it is now.
 * @param wasMissing The keeper itself has created the stream again.
 */
export function damageKind(
  { isNew, intactTo }: StreamDamage,
  lastSeq: { readonly recorded: number; readonly now: number },
  wasMissing: boolean,
): DamageKind {
  if (isNew) return wasMissing ? "missing" : "recreated";
  if (intactTo >= lastSeq.recorded) return "holes";
  return lastSeq.now > intactTo ? "rewound" : "cut";
}

/** How many messages are lost. Pure. */
export function lostCount(lost: readonly SeqRange[]): number {
  return lost.reduce((sum, { from, to }) => sum + to - from + 1, 0);
}

/** One sentence for people. Pure. */
export function damageText({ stream, isNew, lost, intactTo }: StoreDamage): string {
  const ranges = lost.slice(0, 3).map(({ from, to }) => (from === to ? `${from}` : `${from}–${to}`));
  const more = lost.length > ranges.length ? ` and ${lost.length - ranges.length} more ranges` : "";
  const what = lost.length === 0 ? "nothing is lost" : `lost ${lostCount(lost)}: ${ranges.join(", ")}${more}`;
  return `${stream} ${isNew ? "was made anew" : "was damaged"}, ${what}; whole up to ${intactTo}`;
}

/** A note about the damage of a store with the largest loss; among equals, the newest. Pure. */
export function damageNote(damages: readonly StoreDamage[]): string | undefined {
  const [worst] = [...damages].reverse().sort((a, b) => lostCount(b.lost) - lostCount(a.lost));
  if (worst === undefined) return undefined;
  const times = damages.length === 1 ? "" : ` (${damages.length} in all)`;
  return `store damaged at ${worst.foundAt}: ${damageText(worst)}${times}; see adaos store verify`;
}
