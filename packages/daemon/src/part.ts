import type { Figure } from "@adaos/core/wire";
import type { Progress } from "./progress.ts";

/** How one piece of a node is doing. */
export interface PartHealth {
  /** Does its work now. A node is ready when all its parts are. */
  readonly ready: boolean;
  /** Why not, when it is not. */
  readonly reason?: string;
  /** What an operator should know of it though it does its work; a few words. */
  readonly note?: string;
  /** What an operator may want to see: counters, positions. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** One piece of a node. `stop()` works even after a failed or partial `start()`. */
export interface Part {
  readonly name: string;
  /** Resolves when the piece works, or works on getting there by itself; rejects when it never can. */
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
  health(): PartHealth;
  /**
   * Of a piece whose work never ends: when it last got round. One that is over its limit is stuck, however lively the
   * process is otherwise, and the supervisor starts the whole node again. What waits for somebody else, and knows it,
   * gets round all the same and says so in {@link health}.
   */
  progress?(): Progress;
  /** What it knows for a scrape without asking anybody. */
  figures?(): readonly Figure[];
  /** Pieces of it that come and go while it runs, and whose health is told beside its own. */
  parts?(): readonly Part[];
}
