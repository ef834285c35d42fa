import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { counted, ROOT_DOMAIN } from "@adaos/core/wire";
import { serverProcesses } from "@adaos/provision";
import { runningProcesses } from "@adaos/supervise";
import { componentOf, type Finding, isServerWell, type Scene } from "../check.ts";
import { logCommand } from "../log-command.ts";

/** Whether the supervisor, its guard and all daemons run, and whether any process runs unsupervised. */
export async function processes(scene: Scene): Promise<readonly Finding[]> {
  const { health, layout, stateDir, isDown } = scene;
  if (isDown) {
    return [
      {
        level: "fault",
        about: layout.mesh,
        problem: "nothing of the mesh runs",
        why: `no server and no daemon started from ${stateDir} answers`,
        mend: startCommand(scene),
      },
      ...orphans(scene),
    ];
  }
  return [...supervisorFindings(scene), ...health.components.flatMap(nodeFinding(scene)), ...orphans(scene)];
}

/** As a user would start it again. Pure. */
export function startCommand({ meshFile, stateDir }: Pick<Scene, "meshFile" | "stateDir">): string {
  return `adaos up --detach --state ${stateDir}${meshFile === undefined ? "" : ` --config ${meshFile}`}`;
}

interface Alert {
  readonly component: string;
  readonly reason: string;
  readonly failures: number;
}

function supervisorFindings(scene: Scene): Finding[] {
  const { health } = scene;
  const supervisor = componentOf(health, "supervisor", "supervisor");
  // Each daemon runs by itself, without a supervisor.
  if (supervisor === undefined) return [];
  const { alerts = [] } = (supervisor.details?.["watchdog"] ?? {}) as { readonly alerts?: readonly Alert[] };
  const given = alerts.map(({ component, reason, failures }): Finding => {
    return {
      level: "fault",
      about: component,
      problem: `does not come up: ${counted(failures, "start")} in a row did not help`,
      why: reason,
      mend: logCommand(scene, component),
    };
  });
  if (supervisor.ready) return given;
  return [
    {
      level: "fault",
      about: "supervisor",
      problem: "what ends is not started again",
      why: `the supervisor ${supervisor.note}`,
      mend: startCommand(scene),
    },
    ...given,
  ];
}

/** A daemon may be unready since its server is away, and recovers with it: the check of servers reports that. */
function nodeFinding(scene: Scene): (component: Scene["health"]["components"][number]) => Finding[] {
  const isSupervised = componentOf(scene.health, "supervisor", "supervisor")?.ready === true;
  return ({ kind, name, ready, note, details = {} }) => {
    const of = name.includes("/") ? (name.split("/")[0] ?? "") : ROOT_DOMAIN;
    if (kind !== "node" || ready || !isServerWell(scene, of)) return [];
    // The check of files reports broken files, each with its place.
    if (Object.values(details).some((part) => "errors" in (part as object))) return [];
    const mend = isSupervised ? logCommand(scene, name) : startCommand(scene);
    return [{ level: "fault", about: name, problem: "the daemon is not ready", why: note, mend }];
  };
}

/** Longest command line that is read. */
const MAX_BYTES = 65_536;

/** Processes of this folder that its table does not list; where there is no table, something else keeps them. */
function orphans({ layout, stateDir, health }: Scene): Finding[] {
  const hasTable = componentOf(health, "supervisor", "supervisor") !== undefined;
  if (!hasTable || process.platform !== "linux") return [];
  const files = [
    ...serverProcesses(layout).map(({ configFile }) => configFile),
    ...layout.nodes.map((node) => node.nodeFile),
  ];
  const listed = new Set(runningProcesses(stateDir).map(({ pid }) => pid));
  return readdirSync("/proc").flatMap((entry): Finding[] => {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid || listed.has(pid)) return [];
    const words = commandLine(entry);
    const file = files.find((one) => words.includes(one));
    if (file === undefined || !isOfOurs(words)) return [];
    return [
      {
        level: "fault",
        about: `process ${pid}`,
        problem: "runs from this state folder, and nobody keeps it",
        why: `it was started with ${file}, and the supervisor's table does not list it: two of one server would write into one store`,
        mend: `kill ${pid}`,
      },
    ];
  });
}

/** An editor with one of our files is none of ours. */
function isOfOurs(words: readonly string[]): boolean {
  return words.some((word) => /nats-server/.test(word)) || words.includes("node");
}

/** None of a process that has ended meanwhile, or that may not be looked at. */
function commandLine(pid: string): string[] {
  try {
    return readFileSync(join("/proc", pid, "cmdline"), "utf8")
      .slice(0, MAX_BYTES)
      .split("\0");
  } catch {
    return [];
  }
}
