import { existsSync, readFileSync } from "node:fs";
import { nodeFileDigest, runFilePath, startTimeOf } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { delay, messageOf } from "@adaos/core/wire";
import type { NodeStatus, RunFile } from "@adaos/daemon";
import type { Layout, NodeLayout } from "@adaos/provision";
import { readProcessTable } from "../processes/process-table.ts";
import { readRunFile } from "../run-file.ts";
import { askHealth } from "../status/health.ts";

const APPLIED_LIMIT_MS = 15_000;
/** Time for new servers and daemons to start. */
const STARTED_LIMIT_MS = 60_000;
/** The time that a supervisor gives each of its three tiers of processes. */
const STOPPED_LIMIT_MS = 60_000;
const POLL_MS = 25;
const SLOW_POLL_MS = 100;
const ANSWER_MS = 2000;

/**
 * Waits until every one of these nodes runs and has its file in force. Rejects with `timeout`, naming the others with
 * the reason.
 * @param isStarting Whether some of the nodes have still to be started.
 */
export async function untilInForce(
  nodes: readonly NodeLayout[],
  files: ReadonlyMap<string, string>,
  stateDir: string,
  isStarting: boolean,
): Promise<void> {
  const waiting = new Map(nodes.map(({ id }) => [id, "has not answered"]));
  const digests = new Map(nodes.map(({ id, nodeFile }) => [id, nodeFileDigest(files.get(nodeFile) ?? "")]));
  const limitMs = isStarting ? STARTED_LIMIT_MS : APPLIED_LIMIT_MS;
  await untilNone("not in force everywhere", limitMs, POLL_MS, async () => {
    await Promise.all(
      [...waiting.keys()].map(async (id) => {
        const { digest, reason } = await askConfig(id, stateDir);
        if (digest === digests.get(id)) waiting.delete(id);
        else waiting.set(id, reason);
      }),
    );
    return [...waiting].map(([id, reason]) => `${id}: ${reason}`);
  });
}

/** The running nodes that do not have their files in force, with the reason. A line each. */
export async function notAtTheirFiles(nodes: readonly NodeLayout[], stateDir: string): Promise<string[]> {
  const told = nodes
    .filter(({ id }) => isNodeRunning(id, stateDir))
    .map(async ({ id, nodeFile }) => {
      const wanted = existsSync(nodeFile) ? nodeFileDigest(readFileSync(nodeFile, "utf8")) : undefined;
      const { digest, reason } = await askConfig(id, stateDir);
      return digest === wanted ? [] : [`${id}: ${reason}`];
    });
  return (await Promise.all(told)).flat();
}

/** Waits until the links of these subnets are up. Rejects with `timeout`, naming the others with the reason. */
export async function untilLinked(
  layout: Layout,
  subnets: readonly string[],
  stateDir: string,
): Promise<void> {
  if (subnets.length === 0) return;
  await untilNone("in force, but not linked", STARTED_LIMIT_MS, SLOW_POLL_MS, async () => {
    const { components } = await askHealth(layout, stateDir);
    return components
      .filter(({ kind, name, ready }) => kind === "link" && !ready && isLinkOf(name, subnets))
      .map(({ name, note }) => `link ${name}: ${note}`);
  });
}

/**
 * Whether a link is of one of these subnets. That of another region, which may have a subnet's name, is not: the other
 * region answers when it likes. Pure.
 * @param link As its component's name: `up alpha`; with several root daemons `up alpha (root-2)`.
 */
export function isLinkOf(link: string, subnets: readonly string[]): boolean {
  const [direction, subnet = ""] = link.split(" ");
  return direction !== "region" && subnets.includes(subnet);
}

/** Waits until only these processes run. Rejects with `timeout`, naming the others. */
export function untilStopped(names: readonly string[], stateDir: string): Promise<void> {
  return untilNone("in force, but not stopped", STOPPED_LIMIT_MS, POLL_MS, async () => {
    const children = readProcessTable(stateDir)?.children ?? [];
    return children.filter(({ name }) => !names.includes(name)).map(({ name }) => name);
  });
}

/** Whether the daemon of this node runs, under any supervisor or none. */
export function isNodeRunning(id: string, stateDir: string): boolean {
  const run = readRunFile(stateDir, id);
  return run !== undefined && startTimeOf(run.pid) !== undefined;
}

/** Waits until none is left. Rejects with `timeout`, naming the rest. */
export async function untilNone(
  what: string,
  limitMs: number,
  pollMs: number,
  left: () => Promise<string[]>,
): Promise<void> {
  const deadlineMs = Date.now() + limitMs;
  for (;;) {
    const waiting = await left();
    if (waiting.length === 0) return;
    if (Date.now() >= deadlineMs) {
      throw new MeshError(
        "timeout",
        `written, and ${what} after ${limitMs / 1000} s:\n  ${waiting.join("\n  ")}`,
      );
    }
    await delay(pollMs);
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
