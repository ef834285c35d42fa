import { counted, deadLetterStream, parkedStream, ROOT_DOMAIN } from "@adaos/core/wire";
import { type DurableRow, formatDurableName, memberDurables, type OpenServer } from "@adaos/operations";
import type { Finding, Scene } from "../check.ts";

const IDLE_MS = 300_000;

/** Durables that stand still while events wait, dead letters, and events without a known schema. */
export async function durables(scene: Scene): Promise<readonly Finding[]> {
  const looks = scene.open.filter(({ of }) => of !== ROOT_DOMAIN).map((hub) => hubFindings(scene, hub));
  return (await Promise.all(looks)).flat();
}

async function hubFindings(scene: Scene, hub: OpenServer): Promise<Finding[]> {
  const found: Finding[] = [];
  for await (const row of memberDurables(hub)) found.push(...durableFindings(scene, row));
  const { of } = hub;
  const [letters, parked] = await Promise.all([
    messagesIn(hub, deadLetterStream(of)),
    messagesIn(hub, parkedStream(of)),
  ]);
  if (letters > 0) {
    const why = "their handlers have given them up; they are kept until they are replayed or purged";
    const mend = `adaos events dlq list --at ${of}`;
    found.push({ level: "notice", about: of, problem: counted(letters, "dead letter"), why, mend });
  }
  if (parked > 0) {
    const problem = `${counted(parked, "message")} of events that wait for their schema`;
    const why = "their publishers know an event that the registry here does not have";
    found.push({ level: "notice", about: of, problem, why, mend: "adaos registry apply" });
  }
  return found;
}

async function messagesIn({ jsm }: OpenServer, stream: string): Promise<number> {
  return (await jsm.streams.info(stream)).state.messages;
}

function durableFindings({ nowMs }: Scene, row: DurableRow): Finding[] {
  const about = formatDurableName(row);
  const count = row.pending + row.unsettled;
  if (row.paused) {
    const problem = `is paused with ${counted(count, "event")} before it`;
    const why = "policy no longer allows its member what it takes";
    const mend = `adaos policy explain subscribe ${row.pattern} --as ${row.subnet}/${row.node}`;
    return [{ level: "notice", about, problem, why, mend }];
  }
  const idleMs = nowMs - (row.last_activity === null ? 0 : Date.parse(row.last_activity));
  if (row.waiting > 0 || row.pending === 0 || idleMs < IDLE_MS) return [];
  const problem = `${counted(row.pending, "event")} waiting, and no program asks for more`;
  const why =
    row.last_activity === null
      ? "no program has ever taken one"
      : `the last one was taken ${row.last_activity}`;
  const mend = `adaos durables list --at ${row.subnet}`;
  return [{ level: "notice", about, problem, why, mend }];
}
