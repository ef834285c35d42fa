import type { Told } from "../workers/worker-protocol.ts";

/** Communication between a worker and its parent. */
export interface Role {
  readonly tell: (told: Told) => void;
  /** Resolves when the parent says so. */
  readonly go: Promise<void>;
  readonly close: Promise<void>;
}

const EACH_MS = 500;

/** Tells how far a worker is, so that its parent can tell a slow run from one that stands. Returns how to stop. */
export function tellProgress({ tell }: Role, of: number, done: () => number): () => void {
  const timer = setInterval(() => tell({ kind: "progress", done: done(), of }), EACH_MS);
  return () => clearInterval(timer);
}
