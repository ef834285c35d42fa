import { connect } from "node:net";
import { serverProcesses } from "@adaos/provision";
import { runningProcesses } from "@adaos/supervise";
import { componentOf, type Finding, type Scene } from "../check.ts";

const ANSWER_MS = 1000;

/** Whether a stranger listens where a server that does not run should. */
export async function ports({ layout, health, stateDir }: Scene): Promise<readonly Finding[]> {
  const running = new Set(runningProcesses(stateDir).map(({ name }) => name));
  const looks = serverProcesses(layout).map(async ({ name, url }): Promise<Finding[]> => {
    if (running.has(name) || componentOf(health, "server", name)?.ready === true) return [];
    const { port, leafPort, clusterPort } = layout.ports[name.replace(/^nats-/, "")] ?? {};
    const { hostname } = new URL(url);
    const found = [port, leafPort, clusterPort]
      .filter((one) => one !== undefined)
      .map((one) => taken(hostname, one));
    return (await Promise.all(found)).flatMap((one): Finding[] => {
      if (one === undefined) return [];
      return [
        {
          level: "fault",
          about: name,
          problem: `port ${one} is taken`,
          why: `another program listens there, so that ${name} cannot start`,
          mend: `ss -ltnp 'sport = :${one}'`,
        },
      ];
    });
  });
  return (await Promise.all(looks)).flat();
}

/** The port, if a process listens at it. */
function taken(host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: ANSWER_MS });
    const end = (told: number | undefined): void => {
      socket.destroy();
      resolve(told);
    };
    socket.once("connect", () => end(port));
    socket.once("timeout", () => end(undefined));
    socket.once("error", () => end(undefined));
  });
}
