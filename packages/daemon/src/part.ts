import type { Figure } from "@adaos/core/wire";
import type { Progress } from "./progress.ts";

/** The state of one part of a node. */
export interface PartHealth {
  /** The part does its work now. A node is ready when all its parts are. */
  readonly ready: boolean;
  /** Why it is not ready. */
  readonly reason?: string;
  /** It is not ready since another machine is away: this node serves all others, and only that machine can help. */
  readonly isFar?: true;
  /** A few words for an operator although the part works. */
  readonly note?: string;
  /** Details for an operator: counters, positions. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** One part of a node. `stop()` works even after a failed or partial `start()`. */
export interface Part {
  readonly name: string;
  /** Resolves when the part works, or works on getting there by itself; rejects when it never can. */
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
  health(): PartHealth;
  /**
   * For a part whose work never ends: when it last completed a round. A part over its limit is stuck, however active
   * the process is otherwise, and the supervisor restarts the whole node. A part that knowingly waits for another
   * completes its rounds all the same, and says so in {@link health}.
   */
  progress?(): Progress;
  /** Figures for a scrape that it has without asking. */
  figures?(): readonly Figure[];
  /** Parts within it that come and go while it runs; their health is reported beside its own. */
  parts?(): readonly Part[];
}
