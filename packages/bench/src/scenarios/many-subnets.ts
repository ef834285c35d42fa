import { existsSync } from "node:fs";
import { delay, ROOT_DOMAIN } from "@adaos/core/wire";
import type { BenchMesh } from "../bench-mesh.ts";
import { type Lab, placeOf } from "../lab.ts";
import { type Measured, perSecond, type Scenario, scaled } from "../scenario.ts";
import { type ProcessUsage, readUsage } from "../workers/process-usage.ts";
import { sendAndReceive } from "./send-and-receive.ts";
import { ACROSS, TEXT_BYTES } from "./ways.ts";

const SIZES = [100, 300, 1000];
/** `alpha` and `beta`, which have hub daemons and members. */
const WHOLE = 2;
const REST_S = 20;
const COUNT = 10_000;
const SERVER = `nats-${ROOT_DOMAIN}`;
/** A killed server is seen to be gone by then. */
const GONE_MS = 2000;

const sizeOf = (size: number, scale: number): number => Math.max(WHOLE + 1, scaled(size, Math.min(1, scale)));
const nameOf = (size: number): string => `${size} subnets`;

/** What the subnets of a mesh cost its root, and how long the root needs to link them all. */
export const manySubnets: Scenario = {
  id: "S13",
  title: "a root of many subnets",
  reference: nameOf(SIZES[0] ?? 0),
  conditions: (scale) =>
    `of ${SIZES.map((size) => sizeOf(size, scale)).join(", ")} subnets all but two share one server, an account with stream, durable and leaf connection each, and one process answers for their hub daemons; root's server, root daemon and supervisor as users have them; at rest: ${REST_S} s; ${scaled(COUNT, scale)} events from subnet to subnet; relinked: after kill -9 of the root's server, ${GONE_MS / 1000} s at least`,
  prepare: async (lab) => {
    if (!existsSync("/proc/self/stat")) {
      lab.leaveOut("S13", "this system tells nothing of its processes in /proc");
      return [];
    }
    return SIZES.map((size) => ({
      contender: nameOf(size),
      measure: (run) => measure(lab, sizeOf(size, lab.scale), run),
    }));
  },
};

/** In a fresh mesh each time. */
async function measure(lab: Lab, size: number, run: string): Promise<Measured[]> {
  const mesh = await lab.startMesh({ pairOnly: true, isSupervised: true });
  try {
    const linkedMs = await mesh.addCrowd(size - WHOLE);
    const atRest = await rest(lab, mesh);
    const count = scaled(COUNT, lab.scale);
    const load = { count, warmUp: count / 5, bytes: TEXT_BYTES, window: 1000 };
    const place = placeOf(mesh, ACROSS, run);
    const { allMs } = await sendAndReceive(lab, { contender: "adaos", place }, load);
    return [
      { metric: "linked", unit: "ms", value: linkedMs },
      ...atRest,
      { metric: "handled", unit: "events/s", value: perSecond(count, allMs) },
      { metric: "relinked", unit: "ms", value: await relink(mesh) },
    ];
  } finally {
    await lab.endScenario();
  }
}

async function rest(lab: Lab, mesh: BenchMesh): Promise<Measured[]> {
  const before = [usageOf(mesh, SERVER), usageOf(mesh, ROOT_DOMAIN)];
  const startMs = performance.now();
  await delay(REST_S * 1000 * Math.min(1, lab.scale), lab.signal);
  lab.signal.throwIfAborted();
  const tookMs = performance.now() - startMs;
  return [SERVER, ROOT_DOMAIN].flatMap((name, i): Measured[] => {
    const { rssMb, cpuMs } = usageOf(mesh, name);
    const usedMs = cpuMs - (before[i]?.cpuMs ?? Number.NaN);
    return [
      { metric: `${name}: RSS`, unit: "MB", value: rssMb },
      { metric: `${name}: CPU`, unit: "% of a core", value: (usedMs * 100) / tookMs },
    ];
  });
}

/** Kills the root's server. Resolves with the time until all links carry. */
async function relink(mesh: BenchMesh): Promise<number> {
  process.kill(pidOf(mesh, SERVER), "SIGKILL");
  const startMs = performance.now();
  await delay(GONE_MS);
  await mesh.untilLinked();
  return performance.now() - startMs;
}

const usageOf = (mesh: BenchMesh, name: string): ProcessUsage => readUsage(pidOf(mesh, name));

function pidOf(mesh: BenchMesh, name: string): number {
  return mesh.processes().find((process) => process.name === name)?.pid ?? Number.NaN;
}
