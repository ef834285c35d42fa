import { ROOT_DOMAIN } from "@adaos/core/wire";
import { lastEventOf, type OpenServer } from "@adaos/operations";
import type { AskedServer, Finding, Scene } from "../check.ts";

/** Ids and deadlines bear seconds. */
const MAX_OFF_MS = 1000;
/** Older events say nothing about a clock that may have been set since. */
const RECENT_MS = 3_600_000;
const MEND = "timedatectl set-ntp true";

/** Whether servers and members go by the same time as this machine. */
export async function clocks(scene: Scene): Promise<readonly Finding[]> {
  const asked = await scene.askServers();
  const members = await Promise.all(scene.open.map((server) => membersAt(scene, server)));
  return [...asked.flatMap(serverFinding), ...members.flat()];
}

function serverFinding({ server, varz, askedMs, answeredMs }: AskedServer): Finding[] {
  const serverMs = Date.parse(varz.now ?? "");
  if (Number.isNaN(serverMs)) return [];
  // It has answered at some time between the two.
  const offMs = serverMs < askedMs ? serverMs - askedMs : Math.max(0, serverMs - answeredMs);
  if (Math.abs(offMs) <= MAX_OFF_MS) return [];
  const how = offMs > 0 ? "ahead of" : "behind";
  return [
    {
      level: "fault",
      about: server.name,
      problem: `its clock is ${seconds(offMs)} ${how} this machine's`,
      why: "timers, retries and the age of events go by the server's clock, event ids by the publisher's",
      mend: MEND,
    },
  ];
}

/**
 * A member whose event has a later time than its storage has a clock that is ahead. A clock that is behind looks like
 * an event that has waited in an outbox.
 */
async function membersAt({ layout, nowMs }: Scene, server: OpenServer): Promise<Finding[]> {
  const { of } = server;
  const here = layout.nodes.flatMap(({ id }) => (id.startsWith(`${of}/`) ? [id] : []));
  const asked = of === ROOT_DOMAIN ? (layout.remote ?? []) : here;
  const looks = asked.map(async (id): Promise<Finding[]> => {
    const last = await lastEventOf(server, id);
    if (last === undefined || nowMs - last.storedMs > RECENT_MS) return [];
    const aheadMs = last.madeMs - last.storedMs;
    if (aheadMs <= MAX_OFF_MS) return [];
    return [
      {
        level: "fault",
        about: id,
        problem: `its clock is ${seconds(aheadMs)} ahead`,
        why: `its event ${last.id} bears a later time than that at which it was stored`,
        mend: MEND,
      },
    ];
  });
  return (await Promise.all(looks)).flat();
}

function seconds(ms: number): string {
  return `${(Math.abs(ms) / 1000).toFixed(1)} s`;
}
