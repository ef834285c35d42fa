import { existsSync } from "node:fs";
import { delay } from "@adaos/core/wire";
import { type BenchMesh, DEFAULT_MESH } from "../bench-mesh.ts";
import { type Lab, placeOf } from "../lab.ts";
import { type Measured, type Scenario, scaled } from "../scenario.ts";
import { type ProcessUsage, readUsage } from "../workers/process-usage.ts";

/** The name of the sum over all processes. */
const ALL = "all";
const WINDOW_S = 20;
const RATE = 1000;
/**
 * Time after a start until timers, compilers and the collector are at rest: in its first half minute an idle mesh
 * takes half as much again.
 */
const SETTLE_MS = 30_000;

/** Memory and CPU of the whole default mesh, servers and daemons. */
export const footprint: Scenario = {
  id: "S8",
  title: "memory and CPU of the default mesh",
  reference: ALL,
  conditions: (scale) =>
    `deploy/mesh.yaml, all daemons and servers without the adaos up that keeps them running; ${seconds(scale)} s idle, then ${seconds(scale)} s at ${RATE} events/s`,
  prepare: async (lab) => {
    if (!existsSync("/proc/self/stat")) {
      lab.leaveOut("S8", "this system tells nothing of its processes in /proc");
      return [];
    }
    return [{ contender: ALL, measure: (run) => measure(lab, run) }];
  },
};

const seconds = (scale: number): number => scaled(WINDOW_S, Math.min(scale, 1));

/** In a fresh mesh each time: one that has carried many events differs. */
async function measure(lab: Lab, run: string): Promise<Measured[]> {
  const mesh = await lab.startMeshFile(DEFAULT_MESH);
  try {
    await delay(SETTLE_MS * Math.min(1, lab.scale), lab.signal);
    lab.signal.throwIfAborted();
    return await measureIn(mesh, lab, run);
  } finally {
    await lab.endScenario();
  }
}

async function measureIn(mesh: BenchMesh, lab: Lab, run: string): Promise<Measured[]> {
  const windowMs = seconds(lab.scale) * 1000;
  const idle = await watch(mesh, "idle", async () => {
    await delay(windowMs, lab.signal);
    lab.signal.throwIfAborted();
  });
  const place = placeOf(mesh, { from: "alpha", to: "beta" }, run);
  const busy = await lab.withWorker(
    { role: "load", place, count: (RATE * windowMs) / 1000, perSecond: RATE },
    async (sending) => {
      await sending.next("ready");
      return watch(mesh, `at ${RATE}/s`, async () => {
        sending.tell("go");
        await sending.next("sent");
      });
    },
  );
  return [...idle, ...busy];
}

/** Usage of every process of the mesh while `use` runs, and of all together. */
async function watch(mesh: BenchMesh, when: string, use: () => Promise<void>): Promise<Measured[]> {
  const processes = mesh.processes();
  const before = processes.map(({ pid }) => readUsage(pid));
  const startMs = performance.now();
  await use();
  const tookMs = performance.now() - startMs;
  const used = processes.map(({ name, pid }, i) => usedBetween(name, before[i], readUsage(pid), tookMs));
  const sum = (key: "rssMb" | "pssMb" | "cpuShare"): number => used.reduce((all, one) => all + one[key], 0);
  const all = { name: ALL, rssMb: sum("rssMb"), pssMb: sum("pssMb"), cpuShare: sum("cpuShare") };
  return [all, ...used].flatMap(({ name, rssMb, pssMb, cpuShare }): Measured[] => [
    { metric: `${when}: RSS`, unit: "MB", contender: name, value: rssMb },
    // NaN where this system does not report it.
    ...(Number.isNaN(pssMb)
      ? []
      : [{ metric: `${when}: PSS`, unit: "MB", contender: name, value: pssMb } as const]),
    { metric: `${when}: CPU`, unit: "% of a core", contender: name, value: cpuShare * 100 },
  ]);
}

interface Used {
  readonly name: string;
  readonly rssMb: number;
  readonly pssMb: number;
  readonly cpuShare: number;
}

function usedBetween(
  name: string,
  before: ProcessUsage | undefined,
  { rssMb, pssMb = Number.NaN, cpuMs }: ProcessUsage,
  tookMs: number,
): Used {
  return { name, rssMb, pssMb, cpuShare: (cpuMs - (before?.cpuMs ?? 0)) / tookMs };
}
