import { isDamaged, type OpenServer, type StoreRow, verifyStore } from "@adaos/operations";
import type { Finding, Scene } from "../check.ts";

/** Whether each stream holds what its daemon has seen in it, and no durable would pass over events. */
export async function stores(scene: Scene): Promise<readonly Finding[]> {
  const looks = scene.open.map((server) => storeFindings(server, scene.stateDir));
  return (await Promise.all(looks)).flat();
}

async function storeFindings(server: OpenServer, stateDir: string): Promise<Finding[]> {
  const found: Finding[] = [];
  const options = { isDeep: false, onRead: () => undefined };
  for await (const row of verifyStore(server, stateDir, options))
    if (isDamaged(row)) found.push(finding(row));
  return found;
}

function finding({ of, stream, damage, astray, unreadable }: StoreRow): Finding {
  const told = [
    ...(damage?.isNew === true ? ["was made anew"] : []),
    ...(damage === undefined || damage.lost.length === 0 ? [] : ["has lost messages"]),
    ...(unreadable.length === 0 ? [] : ["holds messages that cannot be read"]),
    ...(astray.length === 0 ? [] : [`has durables that would pass over events`]),
  ];
  return {
    level: "fault",
    about: `${of}: ${stream}`,
    problem: `the stream ${told.join(", ")}`,
    why: "its disk or an operator has changed it behind its daemon's back; adaos store verify tells which places",
    mend: `adaos store heal --at ${of}`,
  };
}
