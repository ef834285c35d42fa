import { statSync } from "node:fs";
import { parseProgram, whyApart } from "@adaos/core/wire";
import { compareVersions, TESTED_VERSION, whyUnsupported } from "@adaos/nats-server/version";
import { programsOf, readProcessTable, readRunFile, SUPERVISOR } from "@adaos/supervise";
import type { Finding, Scene } from "../check.ts";
import { startCommand } from "./processes.ts";

/** Whether the servers are new enough and alike, and the daemons run the program that is installed. */
export async function versions(scene: Scene): Promise<readonly Finding[]> {
  const asked = await scene.askServers();
  const restart = `adaos down --state ${scene.stateDir} && ${startCommand(scene)}`;
  const old = asked.flatMap(({ server, varz }): Finding[] => {
    const why = whyUnsupported(varz.version);
    if (why === undefined) return [];
    const problem = `nats-server ${varz.version} is too old`;
    return [{ level: "fault", about: server.name, problem, why, mend: restart }];
  });
  const known = [...new Set(asked.map(({ varz }) => varz.version))].sort(compareVersions);
  const mixed: Finding[] =
    known.length < 2
      ? []
      : [
          {
            level: "notice",
            about: "servers",
            problem: `run different versions: ${known.join(", ")}`,
            why: `a binary was replaced while they ran; ${TESTED_VERSION} is the one that is tested`,
            mend: restart,
          },
        ];
  return [...old, ...mixed, ...replacedProgram(scene, restart), ...programFindings(scene)];
}

/** Nodes that cannot work together, and versions that are not the same everywhere. */
function programFindings({ health, stateDir }: Scene): Finding[] {
  const programs = programsOf(health);
  const apart = programs.flatMap(({ node, program }): Finding[] => {
    const why = whyApart(node, parseProgram(program));
    if (why === undefined) return [];
    const problem = "its program and the one installed here cannot work together";
    return [{ level: "fault", about: node, problem, why, mend: `adaos upgrade check --state ${stateDir}` }];
  });
  const nodesOf = new Map<string, string[]>();
  for (const { node, program = "an earlier version" } of programs)
    nodesOf.set(program, [...(nodesOf.get(program) ?? []), node]);
  if (nodesOf.size < 2 || apart.length > 0) return apart;
  const told = [...nodesOf].map(([program, nodes]) => `${program}: ${shortened(nodes)}`).join("; ");
  return [
    {
      level: "notice",
      about: "nodes",
      problem: "run different versions of adaos",
      why: `they work together, and an upgrade is not finished (${told})`,
      mend: `adaos upgrade check --state ${stateDir}`,
    },
  ];
}

const MAX_NAMED = 5;

function shortened(nodes: readonly string[]): string {
  const named = nodes.slice(0, MAX_NAMED).join(", ");
  return nodes.length > MAX_NAMED ? `${named} and ${nodes.length - MAX_NAMED} more` : named;
}

/** A bundle that was replaced loads parts of itself that no longer fit. */
function replacedProgram({ stateDir }: Scene, restart: string): Finding[] {
  const program = readProcessTable(stateDir)?.programs?.adaos;
  const startedAt = readRunFile(stateDir, SUPERVISOR)?.startedAt;
  if (program === undefined || startedAt === undefined) return [];
  const changedMs = statSync(program, { throwIfNoEntry: false })?.mtimeMs;
  if (changedMs !== undefined && changedMs <= Date.parse(startedAt)) return [];
  const how = changedMs === undefined ? "is gone" : `was replaced ${new Date(changedMs).toISOString()}`;
  return [
    {
      level: "notice",
      about: "daemons",
      problem: "do not run the program that is installed now",
      why: `${program} ${how}, and they were started ${startedAt}`,
      mend: restart,
    },
  ];
}
