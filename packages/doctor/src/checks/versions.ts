import { statSync } from "node:fs";
import { compareVersions, TESTED_VERSION, whyUnsupported } from "@adaos/nats-server/version";
import { readProcessTable, readRunFile, SUPERVISOR } from "@adaos/supervise";
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
  return [...old, ...mixed, ...replacedProgram(scene, restart)];
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
