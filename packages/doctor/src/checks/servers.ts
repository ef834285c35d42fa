import { refusesWrites } from "@adaos/nats-server";
import { serverProcesses } from "@adaos/provision";
import { runningProcesses } from "@adaos/supervise";
import { componentOf, type Finding, type Scene } from "../check.ts";
import { logCommand } from "../log-command.ts";
import { startCommand } from "./processes.ts";

/** Whether each nats-server answers and is well, and knows the key of the daemon beside it. */
export async function servers(scene: Scene): Promise<readonly Finding[]> {
  const { layout, health, away, isDown } = scene;
  if (isDown) return [];
  return serverProcesses(layout).flatMap(({ name, of }): Finding[] => {
    const server = componentOf(health, "server", name);
    if (server?.ready === false) return [unwell(scene, name, of, server.note)];
    const refused = away.find((one) => one.of === of);
    if (refused === undefined) return [];
    return [
      {
        level: "fault",
        about: name,
        problem: "does not let in the daemon beside it",
        why: refused.reason,
        // Rotating asks first for a mesh whose files agree, which this one's do not.
        mend: "adaos policy apply",
      },
    ];
  });
}

function unwell(scene: Scene, name: string, of: string, note: string): Finding {
  const { stateDir, health, layout } = scene;
  const isRunning = runningProcesses(stateDir).some((one) => one.name === name);
  const isSupervised = componentOf(health, "supervisor", "supervisor")?.ready === true;
  const waiting = layout.nodes.map(({ id }) => id).filter((id) => id === of || id.startsWith(`${of}/`));
  const whom = waiting.length === 0 ? "" : `; ${waiting.join(", ")} cannot work without it`;
  const finding = { level: "fault", about: name, why: `${note}${whom}` } as const;
  if (refusesWrites(note)) return { ...finding, problem: "takes no writes", mend: `df -h ${stateDir}` };
  if (!isSupervised) return { ...finding, problem: "the server is not well", mend: startCommand(scene) };
  const problem = isRunning ? "the server hangs, or is not well" : "the server does not run";
  return { ...finding, problem, mend: logCommand(scene, name) };
}
