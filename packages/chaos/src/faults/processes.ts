import { delay } from "@adaos/core/wire";
import { SUPERVISOR, signalProcess } from "@adaos/supervise";
import type { ChaosMesh } from "../chaos-mesh.ts";
import { type Fault, type FaultScene, type Harm, NOTHING_TO_END } from "./fault.ts";

/** A slowed process runs for a fifth of each tenth of a second. */
const RUNS_MS = 20;
const STANDS_MS = 80;

const names = (mesh: ChaosMesh): readonly string[] => mesh.processes().map(({ name }) => name);

export const kill: Fault = {
  name: "kill",
  summary: "a server or daemon ends at once (SIGKILL)",
  losesEvents: false,
  targets: names,
  begin: async ({ mesh, target }) => {
    const record = mesh.process(target);
    if (record !== undefined) signalProcess(record, "SIGKILL");
    return { detail: `${target} (${record?.pid ?? "not running"}) killed`, end: NOTHING_TO_END };
  },
};

export const hang: Fault = {
  name: "hang",
  summary: "a server or daemon stands still and answers nobody (SIGSTOP)",
  losesEvents: false,
  targets: names,
  begin: async (scene) => stopped(scene),
};

export const terminate: Fault = {
  name: "terminate",
  summary: "a server or daemon is asked to end (SIGTERM)",
  losesEvents: false,
  // A supervisor that gets SIGTERM stops its mesh, as adaos down does: that is not a fault.
  targets: (mesh) => names(mesh).filter((name) => name !== SUPERVISOR),
  begin: async ({ mesh, target }) => {
    const record = mesh.process(target);
    if (record !== undefined) signalProcess(record, "SIGTERM");
    return { detail: `${target} (${record?.pid ?? "not running"}) asked to end`, end: NOTHING_TO_END };
  },
};

export const slow: Fault = {
  name: "slow",
  summary: "a server or daemon, and whatever passes through it, has a fifth of its time",
  losesEvents: false,
  targets: names,
  begin: async ({ mesh, target }) => {
    const record = mesh.process(target);
    if (record === undefined) return { detail: `${target} not running`, end: NOTHING_TO_END };
    const stopped = new AbortController();
    const slowing = (async (): Promise<void> => {
      while (!stopped.signal.aborted) {
        signalProcess(record, "SIGSTOP");
        await delay(STANDS_MS);
        signalProcess(record, "SIGCONT");
        await delay(RUNS_MS);
      }
    })();
    return {
      detail: `${target} (${record.pid}) stands still for ${STANDS_MS} ms of each ${STANDS_MS + RUNS_MS}`,
      end: async () => {
        stopped.abort();
        await slowing;
      },
    };
  },
};

/** Ends by SIGCONT, which does not reach a process that was replaced meanwhile. */
function stopped({ mesh, target }: FaultScene): Harm {
  const record = mesh.process(target);
  if (record === undefined) return { detail: `${target} not running`, end: NOTHING_TO_END };
  signalProcess(record, "SIGSTOP");
  return {
    detail: `${target} (${record.pid}) stands still`,
    end: async () => signalProcess(record, "SIGCONT"),
  };
}
