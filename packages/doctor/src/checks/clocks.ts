import { MAX_CLOCK_OFF_MS, offFrom, ROOT_DOMAIN } from "@adaos/core/wire";
import { lastEventOf, type OpenServer } from "@adaos/operations";
import type { MeshHealth } from "@adaos/supervise";
import type { AskedServer, Finding, Scene } from "../check.ts";

/** Older events say nothing about a clock that may have been set since. */
const RECENT_MS = 3_600_000;
const MEND = "timedatectl set-ntp true";

/** Whether servers, daemons and members go by the same time as this machine. */
export async function clocks(scene: Scene): Promise<readonly Finding[]> {
  const asked = await scene.askServers();
  const members = await Promise.all(scene.open.map((server) => membersAt(scene, server)));
  const heard = heardFindings(scene.health);
  const known = new Set(heard.map(({ about }) => about));
  return [
    ...asked.flatMap(serverFinding),
    ...heard,
    ...members.flat().filter(({ about }) => !known.has(about)),
  ];
}

function serverFinding({ server, varz, askedMs, answeredMs }: AskedServer): Finding[] {
  const serverMs = Date.parse(varz.now ?? "");
  if (Number.isNaN(serverMs)) return [];
  // It has answered at some time between the two.
  const offMs = offFrom(serverMs, askedMs, answeredMs);
  if (Math.abs(offMs) <= MAX_CLOCK_OFF_MS) return [];
  return [
    {
      level: "fault",
      about: server.name,
      problem: offText(offMs),
      why: "timers, retries and the age of events go by the server's clock, event ids by the publisher's",
      mend: MEND,
    },
  ];
}

/**
 * The clocks of other machines, as the daemons here have heard them: a hub those of its members and of the root, the
 * root those of the hubs, a member that of its hub. Pure.
 */
function heardFindings({ components }: MeshHealth): readonly Finding[] {
  const found = new Map<string, Finding>();
  for (const { kind, name, details = {} } of components) {
    if (kind !== "node") continue;
    const [subnet, node] = name.split("/");
    const members = /^hub(-\d)?$/.test(node ?? "") ? clocksIn(details["members"]) : [];
    const hubs = node === undefined ? clocksIn(details["links"]) : [];
    const told: readonly (readonly [about: string, offMs: number])[] = [
      ...members.map(([peer, offMs]) => [`${subnet}/${peer}`, offMs] as const),
      ...hubs.map(([peer, offMs]) => [`${peer}/hub`, offMs] as const),
      ...clocksIn(details["registry"]).map(
        ([peer, offMs]) => [peer === ROOT_DOMAIN ? peer : `${subnet}/${peer}`, offMs] as const,
      ),
    ];
    for (const [about, offMs] of told) {
      const why = `${name} heard it say another time within the last minute; event ids, deadlines and certificates go by it`;
      found.set(about, {
        level: "fault",
        about,
        problem: offText(offMs),
        why,
        mend: `${MEND} on its machine`,
      });
    }
  }
  return [...found.values()];
}

/** The status of a daemon of an earlier version has none. */
function clocksIn(details: unknown): [peer: string, offMs: number][] {
  const { clocks = {} } = (details ?? {}) as { readonly clocks?: Readonly<Record<string, unknown>> };
  return Object.entries(clocks).filter((told): told is [string, number] => typeof told[1] === "number");
}

function offText(offMs: number): string {
  return `its clock is ${seconds(offMs)} ${offMs > 0 ? "ahead of" : "behind"} this machine's`;
}

/**
 * A member whose event has a later time than its storage has a clock that is ahead. A clock that is behind looks like
 * an event that has waited in an outbox; its daemon tells.
 */
async function membersAt({ layout, nowMs }: Scene, server: OpenServer): Promise<Finding[]> {
  const { of } = server;
  const here = layout.nodes.flatMap(({ id }) => (id.startsWith(`${of}/`) ? [id] : []));
  const asked = of === ROOT_DOMAIN ? (layout.remote ?? []) : here;
  const looks = asked.map(async (id): Promise<Finding[]> => {
    const last = await lastEventOf(server, id);
    if (last === undefined || nowMs - last.storedMs > RECENT_MS) return [];
    const aheadMs = last.madeMs - last.storedMs;
    if (aheadMs <= MAX_CLOCK_OFF_MS) return [];
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
