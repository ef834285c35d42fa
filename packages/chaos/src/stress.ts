import { existsSync, readFileSync } from "node:fs";
import { get } from "node:http";
import { text } from "node:stream/consumers";
import { runFilePath } from "@adaos/config";
import { delay, messageOf } from "@adaos/core/wire";
import type { ChaosMesh } from "./chaos-mesh.ts";

const HEALTH_PATH = "/api/system/health";
const ANSWER_MS = 2000;

/** One health request to one daemon. */
export interface StressSample {
  readonly at: string;
  readonly node: string;
  /** Status of the answer; `null` without one. */
  readonly status: number | null;
  readonly ms: number;
  readonly error?: string;
}

export interface StressSummary {
  readonly samples: number;
  /** Number of answers by status; `none` counts missing ones. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly mean_ms: number;
  readonly max_ms: number;
}

/** Requests every daemon's health repeatedly for so long. */
export async function stress(
  mesh: ChaosMesh,
  { durationMs, intervalMs }: { readonly durationMs: number; readonly intervalMs: number },
  onSample: (sample: StressSample) => void,
  signal: AbortSignal,
): Promise<StressSummary> {
  const samples: StressSample[] = [];
  const endMs = Date.now() + durationMs;
  for (let nextMs = Date.now(); Date.now() < endMs && !signal.aborted; nextMs += intervalMs) {
    const asked = mesh.layout.nodes.map(({ id }) => ask(mesh.stateDir, id));
    for (const sample of await Promise.all(asked)) {
      samples.push(sample);
      onSample(sample);
    }
    const waitMs = Math.min(nextMs + intervalMs, endMs) - Date.now();
    await delay(Math.max(0, waitMs), signal);
  }
  return stressSummary(samples);
}

/** Pure. */
export function stressSummary(samples: readonly StressSample[]): StressSummary {
  const statuses: Record<string, number> = {};
  for (const { status } of samples) {
    const key = String(status ?? "none");
    statuses[key] = (statuses[key] ?? 0) + 1;
  }
  const times = samples.map(({ ms }) => ms);
  const mean = times.reduce((sum, ms) => sum + ms, 0) / Math.max(1, times.length);
  return {
    samples: samples.length,
    statuses,
    mean_ms: Math.round(mean * 10) / 10,
    max_ms: Math.max(0, ...times),
  };
}

async function ask(stateDir: string, node: string): Promise<StressSample> {
  const beganMs = performance.now();
  const at = new Date().toISOString();
  const ms = (): number => Math.round((performance.now() - beganMs) * 10) / 10;
  try {
    const file = runFilePath(stateDir, node);
    if (!existsSync(file)) return { at, node, status: null, ms: ms(), error: "is not running" };
    const { statusUrl } = JSON.parse(readFileSync(file, "utf8")) as { statusUrl: string };
    return { at, node, status: await statusOf(`${statusUrl}${HEALTH_PATH}`), ms: ms() };
  } catch (thrown) {
    return { at, node, status: null, ms: ms(), error: messageOf(thrown) };
  }
}

function statusOf(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = get(url, { signal: AbortSignal.timeout(ANSWER_MS), agent: false }, (response) => {
      text(response).then(() => resolve(response.statusCode ?? 0), reject);
    });
    request.once("error", reject);
  });
}
