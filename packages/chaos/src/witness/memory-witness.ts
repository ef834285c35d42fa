import { readFileSync } from "node:fs";
import type { ChaosMesh } from "../chaos-mesh.ts";

/** Memory in MiB, of all processes together. */
export interface MemoryUse {
  /** Median of the first third of the run. */
  readonly first_mb: number;
  /** Median of its last third. */
  readonly last_mb: number;
}

/** Above this the samples are thinned out: a run of any length fits. */
const MAX_SAMPLES = 2000;
/** A restarted process begins small and fills its caches. */
const MAX_GROWTH = 1.25;
const ROOM_MB = 64;

/**
 * Measures the memory of the processes of a mesh, and of this one, which publishes and handles and is never killed.
 */
export class MemoryWitness {
  readonly #mesh: ChaosMesh;
  #samples: number[] = [];
  #keepEvery = 1;
  #looks = 0;

  constructor(mesh: ChaosMesh) {
    this.#mesh = mesh;
  }

  look(): void {
    if (this.#looks++ % this.#keepEvery !== 0) return;
    const pids = [...this.#mesh.processes().map(({ pid }) => pid), process.pid];
    const held = pids.map(residentMb);
    if (held.includes(undefined)) return;
    this.#samples.push(held.reduce((sum: number, mb) => sum + (mb ?? 0), 0));
    if (this.#samples.length < MAX_SAMPLES) return;
    this.#samples = this.#samples.filter((_, i) => i % 2 === 0);
    this.#keepEvery *= 2;
  }

  /** `null` where the machine does not report memory, or the run was too short. */
  count(): MemoryUse | null {
    return memoryUseOf(this.#samples);
  }
}

/** Pure. */
export function memoryUseOf(samples: readonly number[]): MemoryUse | null {
  const third = Math.floor(samples.length / 3);
  if (third === 0) return null;
  return { first_mb: median(samples.slice(0, third)), last_mb: median(samples.slice(-third)) };
}

/** Whether memory has not grown beyond the effect of caches and restarts. Pure. */
export function isFlat({ first_mb, last_mb }: MemoryUse): boolean {
  return last_mb <= first_mb * MAX_GROWTH + ROOM_MB;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0);
}

/** Linux reports it; undefined elsewhere. */
function residentMb(pid: number): number | undefined {
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
  } catch {
    return undefined;
  }
}
