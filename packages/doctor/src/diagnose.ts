import { askStreams, askVarz } from "@adaos/nats-server";
import { type AwayServer, type OpenServer, withAnswering } from "@adaos/operations";
import type { Layout, ServerLayout } from "@adaos/provision";
import { askHealth, type MeshHealth, runningProcesses } from "@adaos/supervise";
import type { AskedServer, Scene } from "./check.ts";
import { CHECKS } from "./checks.ts";
import { type Diagnosis, examine } from "./examine.ts";
import { SystemConnections } from "./system-connections.ts";

/** The time limit of one check. */
const CHECK_LIMIT_MS = 5000;
/** The time limit of a server's answer on its system account. */
const ANSWER_MS = 2000;

export interface DiagnoseOptions {
  readonly layout: Layout;
  readonly stateDir: string;
  readonly meshFile: string | undefined;
  /** The groups to look at. @default all */
  readonly groups?: readonly string[];
}

/**
 * Looks at all of a mesh that this machine has. Never rejects for what does not run or does not answer, and takes no
 * longer than some 15 s. Rejects with `invalid-config` for a state folder that is not safe.
 */
export async function diagnose(options: DiagnoseOptions): Promise<Diagnosis> {
  const { layout, stateDir, groups } = options;
  const checks = CHECKS.filter(({ group }) => groups === undefined || groups.includes(group));
  const asking = askHealth(layout, stateDir);
  // A folder that is not safe rejects this promise; the error is handled where the promise is awaited.
  asking.catch(() => undefined);
  return withAnswering(layout.servers, async (open, away) => {
    const systems = new SystemConnections("adaos doctor");
    try {
      const scene = sceneOf(options, await asking, { open, away }, systems);
      const { findings, checks: results } = await examine(scene, checks, CHECK_LIMIT_MS);
      const isHealthy =
        findings.every(({ level }) => level !== "fault") &&
        results.every(({ outcome }) => outcome !== "unknown");
      return { mesh: layout.mesh, isHealthy, findings, checks: results, away };
    } finally {
      await systems.close();
    }
  });
}

function sceneOf(
  { layout, stateDir, meshFile }: DiagnoseOptions,
  health: MeshHealth,
  { open, away }: { readonly open: readonly OpenServer[]; readonly away: readonly AwayServer[] },
  systems: SystemConnections,
): Scene {
  const answers = health.components.some(({ kind, ready }) => ready && kind !== "link");
  let asked: Promise<readonly AskedServer[]> | undefined;
  return {
    ...{ layout, stateDir, meshFile, nowMs: Date.now(), open, away, health },
    isDown: !answers && open.length === 0 && runningProcesses(stateDir).length === 0,
    askServers: () => {
      asked ??= askAll(
        layout.servers.filter(({ of }) => open.some((one) => one.of === of)),
        systems,
      );
      return asked;
    },
  };
}

async function askAll(
  servers: readonly ServerLayout[],
  systems: SystemConnections,
): Promise<readonly AskedServer[]> {
  const asked = await Promise.allSettled(
    servers.map(async (server) => {
      const { nc } = await systems.of(server);
      const askedMs = Date.now();
      const varz = await askVarz(nc, ANSWER_MS);
      const answeredMs = Date.now();
      const streams = await askStreams(nc, ANSWER_MS);
      return { server, varz, streams, askedMs, answeredMs };
    }),
  );
  // The health of a server reports why it does not answer.
  return asked.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
}
