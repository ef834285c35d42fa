import { delay, messageOf } from "@adaos/core/wire";
import type { Traffic } from "./book/traffic.ts";
import type { ChaosMesh } from "./chaos-mesh.ts";
import type { Fault, Harm } from "./faults/fault.ts";
import type { PlannedFault } from "./plan-faults.ts";
import { randomFrom } from "./random.ts";

const LOOK_MS = 250;

/** The result of one fault: a JSON line of the report. Durations are milliseconds. */
export interface FaultSample {
  readonly at: string;
  readonly iteration: number;
  readonly fault: string;
  readonly target: string;
  readonly detail: string;
  readonly held_ms: number;
  /** From the fault to the first effect of an event that was published after it. */
  readonly flow_ms: number | null;
  /** From the fault until `adaos status` reports everything ready. */
  readonly ready_ms: number | null;
  /** Components that were not ready in time: an operator would have had to act. */
  readonly unready: readonly string[];
}

export interface InjectOptions {
  readonly pauseMs: number;
  /** Longest time from the end of a fault until events flow and everything is ready. */
  readonly limitMs: number;
  readonly onSample: (sample: FaultSample) => void;
  readonly signal: AbortSignal;
}

/**
 * Injects the planned faults one after the other while traffic goes on. After each it waits until the mesh has
 * recovered by itself. Ends early on the signal; a lasting fault is ended in any case.
 */
export async function inject(
  mesh: ChaosMesh,
  traffic: Traffic,
  faults: readonly Fault[],
  plan: readonly PlannedFault[],
  options: InjectOptions,
): Promise<FaultSample[]> {
  const samples: FaultSample[] = [];
  for (const [i, planned] of plan.entries()) {
    if (options.signal.aborted) break;
    const fault = faults.find(({ name }) => name === planned.fault);
    if (fault === undefined) continue;
    const sample = await one(mesh, traffic, fault, planned, i + 1, options);
    samples.push(sample);
    options.onSample(sample);
    if (i < plan.length - 1) await pause(options.pauseMs, options.signal);
  }
  return samples;
}

async function one(
  mesh: ChaosMesh,
  traffic: Traffic,
  fault: Fault,
  { target, holdMs, seed }: PlannedFault,
  iteration: number,
  { limitMs, signal }: InjectOptions,
): Promise<FaultSample> {
  const beganMs = Date.now();
  const about = { at: new Date(beganMs).toISOString(), iteration, fault: fault.name, target };
  let harm: Harm;
  try {
    harm = await fault.begin({ mesh, target, random: randomFrom(seed) });
  } catch (thrown) {
    // The target of an earlier fault may not answer yet; the report says that this fault was not injected.
    const detail = `not done: ${messageOf(thrown)}`;
    return { ...about, detail, held_ms: 0, flow_ms: null, ready_ms: null, unready: [] };
  }
  // A slow fault hits at its end, so events published before do not count.
  const hitMs = Date.now();
  let flowedMs: number | undefined;
  void traffic.flowed(hitMs).then((atMs) => {
    flowedMs = atMs;
  });
  try {
    await pause(holdMs, signal);
  } finally {
    await harm.end();
  }
  const endedMs = Date.now();
  const { readyMs, unready } = await untilReady(mesh, endedMs + limitMs, () => flowedMs !== undefined);
  return {
    ...about,
    detail: harm.detail,
    held_ms: endedMs - hitMs,
    flow_ms: flowedMs === undefined ? null : flowedMs - hitMs,
    ready_ms: readyMs === undefined ? null : readyMs - hitMs,
    unready: flowedMs === undefined ? [...unready, "no event flows"] : unready,
  };
}

/** Waits until everything is ready and events flow, or for the deadline. */
async function untilReady(
  mesh: ChaosMesh,
  deadlineMs: number,
  flows: () => boolean,
): Promise<{ readyMs: number | undefined; unready: readonly string[] }> {
  let readyMs: number | undefined;
  for (;;) {
    const unready = await mesh.unready();
    readyMs = unready.length === 0 ? (readyMs ?? Date.now()) : undefined;
    if (readyMs !== undefined && flows()) return { readyMs, unready: [] };
    if (Date.now() >= deadlineMs) {
      return { readyMs, unready: unready.map(({ kind, name, note }) => `${kind} ${name}: ${note}`) };
    }
    await delay(LOOK_MS);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return delay(ms, signal);
}
