import { existsSync } from "node:fs";
import { type BenchMesh, DEFAULT_MESH } from "../bench-mesh.ts";
import type { Lab } from "../lab.ts";
import { quantileOf } from "../report/statistics.ts";
import { runAdaos, runNode } from "../run-adaos.ts";
import { type Measured, type Scenario, scaled } from "../scenario.ts";
import { readUsage } from "../workers/process-usage.ts";

/** The time of an empty program. */
const NOTHING = "node -e 0";
const REPEATS = 7;

/** How long a user waits for a command and for a mesh, and how much a daemon's start costs. */
export const startUp: Scenario = {
  id: "S10",
  title: "start-up of the command line and of the default mesh",
  reference: NOTHING,
  conditions: (scale) =>
    `deploy/mesh.yaml with a state folder that it was started from before; commands: median of ${repeats(scale)}`,
  prepare: async (lab) => {
    if (!existsSync("/proc/self/stat")) {
      lab.leaveOut("S10", "this system tells nothing of its processes in /proc");
      return [];
    }
    const mesh = await lab.startMeshFile(DEFAULT_MESH);
    const command = (contender: string, run: () => Promise<unknown>) => ({
      contender,
      measure: async () => [await wallTime(lab, run)],
    });
    return [
      command(NOTHING, () => runNode(["-e", "0"])),
      command("adaos --version", () => runAdaos(["--version"])),
      command("adaos --help", () => runAdaos(["--help"])),
      command("adaos status", () => mesh.adaos(["status"])),
      { contender: "adaos up --detach", measure: () => restart(mesh) },
    ];
  },
};

const repeats = (scale: number): number => scaled(REPEATS, Math.min(scale, 1));

async function wallTime(lab: Lab, run: () => Promise<unknown>): Promise<Measured> {
  const tookMs: number[] = [];
  for (let i = 0; i < repeats(lab.scale); i++) {
    lab.signal.throwIfAborted();
    const startMs = performance.now();
    await run();
    tookMs.push(performance.now() - startMs);
  }
  return { metric: "wall time", unit: "ms", value: quantileOf(tookMs, 0.5) };
}

/** Restarts a mesh, and measures each of its processes until all are ready. */
async function restart(mesh: BenchMesh): Promise<Measured[]> {
  await mesh.adaos(["down"]);
  const startMs = performance.now();
  await mesh.adaos(["up", "--config", DEFAULT_MESH, "--detach"]);
  const wall: Measured = { metric: "wall time", unit: "ms", value: performance.now() - startMs };
  const used = mesh.processes().map(({ name, pid }): Measured => {
    return { metric: "CPU until ready", unit: "ms", contender: name, value: readUsage(pid).cpuMs };
  });
  return [wall, ...used];
}
