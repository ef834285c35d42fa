import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { peekOutbox } from "@adaos/client";
import { auditFile, outboxDir } from "@adaos/config";
import { counted } from "@adaos/core/wire";
import { timeOfEventId, waitingRecords } from "@adaos/operations";
import { eventIdWithin } from "@adaos/transport-nats";
import { componentOf, type Finding, isServerWell, type Scene } from "../check.ts";
import { logCommand } from "../log-command.ts";
import { startCommand } from "./processes.ts";

/** A hub that is back has taken all messages by then; else no process sends them. */
const LATE_MS = 60_000;
const DAY_MS = 86_400_000;
const MAX_BYTES = 16 * 1024 ** 2;

/** Messages of members and audit records that wait on disk for the hubs, and messages that hubs have refused. */
export async function outboxes(scene: Scene): Promise<readonly Finding[]> {
  const members = scene.layout.nodes.filter(({ role }) => role === "member");
  const looks = members.map(async ({ id }) => [...(await waiting(scene, id)), ...(await refused(scene, id))]);
  return [...(await Promise.all(looks)).flat(), ...unforwarded(scene)];
}

function unforwarded({ layout, stateDir }: Scene): Finding[] {
  const count = waitingRecords(layout, stateDir);
  if (count === 0) return [];
  const problem = `${counted(count, "audit record")} on this machine's disk alone`;
  const why = "a hub did not answer when the act was done";
  return [{ level: "notice", about: auditFile(stateDir), problem, why, mend: "adaos audit --forward" }];
}

async function waiting(scene: Scene, id: string): Promise<Finding[]> {
  const { stateDir, nowMs } = scene;
  const kept = await peekOutbox(outboxDir(stateDir, id));
  const times = kept.flatMap((message) => timeOfEventId(eventIdWithin(message.id)) ?? []);
  if (times.length === 0) return [];
  const oldestMs = nowMs - Math.min(...times);
  const what = `${counted(kept.length, "event")} wait on its disk, the oldest for ${Math.round(oldestMs / 1000)} s`;
  const [subnet = ""] = id.split("/");
  if (!isServerWell(scene, subnet)) {
    const why = "the server of its hub is away; they are forwarded when it is back";
    return [{ level: "notice", about: id, problem: what, why, mend: startCommand(scene) }];
  }
  if (oldestMs < LATE_MS) return [];
  const isRunning = componentOf(scene.health, "node", id)?.ready === true;
  const why = isRunning ? "the hub is there, and does not take them" : "its daemon does not run";
  const mend = isRunning ? logCommand(scene, id, "outbox") : startCommand(scene);
  return [{ level: "fault", about: id, problem: what, why, mend }];
}

/** The messages that were refused in the last day; each is lost unless it is published again. */
async function refused({ stateDir, nowMs }: Scene, id: string): Promise<Finding[]> {
  const file = join(outboxDir(stateDir, id), "refused.ndjson");
  const { size, mtimeMs } = await stat(file).catch(() => ({ size: 0, mtimeMs: 0 }));
  if (size === 0 || size > MAX_BYTES || nowMs - mtimeMs > DAY_MS) return [];
  const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
  const problem = `its hub has refused ${counted(lines.length, "event")} of its outbox for good`;
  const why = `they are kept in ${file} with the reason`;
  return [{ level: "notice", about: id, problem, why, mend: `tail -n 5 ${file}` }];
}
