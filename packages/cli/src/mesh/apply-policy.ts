import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { layoutFile, nodeFileDigest, outboxDir, runFilePath } from "@adaos/config";
import { MeshError, messageOf } from "@adaos/core";
import type { NodeStatus, RunFile } from "@adaos/daemon";
import type { LoadedPolicy } from "../policy/load-policy.ts";
import { KeyRing } from "./keys.ts";
import { type Layout, readLayout } from "./layout.ts";
import { runningSupervisor } from "./local-mesh.ts";
import { type ProcessRecord, signalProcess } from "./process-table.ts";
import { layoutText, planAgain } from "./provision.ts";
import type { Plan } from "./workshop.ts";
import { writeWhole } from "./write-whole.ts";

/** What of a node file may change while the node runs. */
const CHANGEABLE: ReadonlySet<string> = new Set(["policy", "members", "subnets", "limits", "signatures"]);
const APPLIED_LIMIT_MS = 15_000;
const POLL_MS = 25;
const ANSWER_MS = 2000;

/** A change of policy that is ready to be made. */
export interface PolicyUpdate {
  readonly before: Layout;
  readonly plan: Plan;
  /** Nodes whose file becomes another one. */
  readonly changed: readonly string[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** Whether two plans would write the same over the same. */
export function isSameUpdate(a: PolicyUpdate, b: PolicyUpdate): boolean {
  const told = ({ before, plan, changed, added, removed }: PolicyUpdate): string =>
    JSON.stringify([before, plan.layout, [...plan.files], changed, added, removed]);
  return told(a) === told(b);
}

/** What a mesh file would change in a mesh that was started. Rejects with `usage` for what cannot change while it runs. */
export async function planUpdate(loaded: LoadedPolicy, stateDir: string): Promise<PolicyUpdate> {
  const before = readLayout(stateDir);
  const plan = await planAgain(loaded, stateDir);
  const was = new Map(before.nodes.map(({ id, nodeFile }) => [id, nodeFile]));
  const changed: string[] = [];
  for (const { id, nodeFile } of plan.layout.nodes) {
    const text = plan.files.get(nodeFile) ?? "";
    if (!was.has(id)) continue;
    const now = existsSync(nodeFile) ? readFileSync(nodeFile, "utf8") : "";
    if (now === text) continue;
    assertChangeable(id, now, text);
    changed.push(id);
  }
  const is = new Set(plan.layout.nodes.map(({ id }) => id));
  const added = [...is].filter((id) => !was.has(id));
  const removed = [...was.keys()].filter((id) => !is.has(id));
  return { before, plan, changed, added, removed };
}

/** Writes what the nodes follow. From here on they change by themselves. */
function writeUpdate({ before, plan, removed }: PolicyUpdate, stateDir: string): void {
  const nodeFiles = new Set(plan.layout.nodes.map(({ nodeFile }) => nodeFile));
  // Configs of servers are written by the daemons beside them, which know what else stands in them.
  for (const [file, text] of plan.files) if (nodeFiles.has(file)) writeWhole(file, text);
  const keys = new KeyRing(stateDir);
  for (const { id, nodeFile } of before.nodes) {
    if (!removed.includes(id)) continue;
    rmSync(nodeFile, { force: true });
    // Who has its key must not be let in when a member of this name is added again.
    keys.forget(id);
    // Nor must it publish what its predecessor could not send.
    const outbox = outboxDir(stateDir, id);
    if (existsSync(outbox)) renameSync(outbox, `${outbox}.removed-${Date.now()}`);
  }
  writeWhole(layoutFile(stateDir), layoutText(plan.layout));
}

/**
 * Makes a change hold: writes the files that nodes follow, tells the supervisor of members that come or go, and waits until
 * every node has its own in force. Resolves with the milliseconds that took; rejects with `timeout`.
 */
export async function applyUpdate(
  update: PolicyUpdate,
  stateDir: string,
  supervisor: ProcessRecord,
): Promise<number> {
  const startMs = performance.now();
  writeUpdate(update, stateDir);
  if (update.added.length + update.removed.length > 0) signalProcess(supervisor, "SIGUSR2");
  await untilApplied(update, stateDir);
  return Math.round(performance.now() - startMs);
}

/** The supervisor of the mesh that a change is for. Throws `unavailable` when none runs. */
export function neededSupervisor(stateDir: string): ProcessRecord {
  const supervisor = runningSupervisor(stateDir);
  if (supervisor !== undefined) return supervisor;
  throw new MeshError(
    "unavailable",
    `no mesh runs from ${stateDir}; adaos up starts it with the policy of its file`,
  );
}

/** Waits until every node runs and has its file in force. Rejects with `timeout`, naming who has not and why. */
async function untilApplied({ plan }: PolicyUpdate, stateDir: string): Promise<void> {
  const deadlineMs = Date.now() + APPLIED_LIMIT_MS;
  const waiting = new Map(plan.layout.nodes.map(({ id }) => [id, "has not answered"]));
  const digests = new Map(
    plan.layout.nodes.map(({ id, nodeFile }) => [id, nodeFileDigest(plan.files.get(nodeFile) ?? "")]),
  );
  while (waiting.size > 0) {
    await Promise.all(
      [...waiting.keys()].map(async (id) => {
        const { digest, reason } = await askConfig(id, stateDir);
        if (digest === digests.get(id)) waiting.delete(id);
        else waiting.set(id, reason);
      }),
    );
    if (waiting.size === 0) return;
    if (Date.now() >= deadlineMs) {
      const who = [...waiting].map(([id, reason]) => `${id}: ${reason}`).join("\n  ");
      throw new MeshError(
        "timeout",
        `written, and not in force everywhere after ${APPLIED_LIMIT_MS / 1000} s:\n  ${who}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function askConfig(id: string, stateDir: string): Promise<{ digest?: unknown; reason: string }> {
  try {
    const { statusUrl } = JSON.parse(readFileSync(runFilePath(stateDir, id), "utf8")) as RunFile;
    const response = await fetch(`${statusUrl}/status`, { signal: AbortSignal.timeout(ANSWER_MS) });
    const { config } = ((await response.json()) as NodeStatus).parts;
    return {
      digest: config?.details?.["digest"],
      reason: config?.reason ?? "is still at the version before",
    };
  } catch (thrown) {
    return { reason: `does not answer: ${messageOf(thrown)}` };
  }
}

function assertChangeable(id: string, now: string, text: string): void {
  const was = fieldsOf(now);
  const is = fieldsOf(text);
  // What is spoilt or gone is mended, whatever it was.
  if (was === undefined || is === undefined) return;
  for (const key of new Set([...Object.keys(was), ...Object.keys(is)])) {
    if (CHANGEABLE.has(key) || JSON.stringify(was[key]) === JSON.stringify(is[key])) continue;
    throw new MeshError("usage", `${key} of ${id} cannot change while it runs; use adaos down and adaos up`);
  }
}

function fieldsOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
