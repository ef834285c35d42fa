import { readFileSync } from "node:fs";
import { isLoopback, runFilePath } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { delay, ROOT_DOMAIN } from "@adaos/core/wire";
import type { NodeStatus, RunFile } from "@adaos/daemon";
import { loadPolicy } from "@adaos/policy";
import {
  type Invitation,
  Invitations,
  type Invited,
  invitedProblem,
  type JoinCode,
  makeJoinCode,
  meshFileIn,
  readLayout,
} from "@adaos/provision";
import { assertApplied } from "../apply/apply-policy.ts";
import { whileLocked } from "../apply/change-lock.ts";

/** A new join code, and how to use it. */
export interface Invite {
  readonly code: JoinCode;
  readonly invitation: Invitation;
  /** Address of the root's server. */
  readonly host: string;
  readonly port: number;
  /** Whether only this machine can reach it. */
  readonly isLocal: boolean;
}

const IN_FORCE_MS = 15_000;
const POLL_MS = 50;
const ANSWER_MS = 2000;

/**
 * Makes an invitation and waits until the root's server knows it. Rejects with `usage` when the mesh file has no place
 * for the invited node. Rejects with `unavailable` when no root daemon runs, and with `backpressure` for too many.
 */
export function invite(invited: Invited, ttlMs: number, stateDir: string): Promise<Invite> {
  return whileLocked(stateDir, async () => {
    const layout = readLayout(stateDir);
    const loaded = await loadPolicy(meshFileIn(layout));
    const { meshFile } = loaded;
    const problem = invitedProblem(meshFile, invited);
    if (problem !== undefined) throw new MeshError("usage", problem);
    if (meshFile.tls?.development === true && meshFile.tls.verify) {
      throw new MeshError(
        "usage",
        "with verify a machine needs a certificate before it can say anything: copy its files by hand, see docs/guide/tls.md",
      );
    }
    await assertApplied(loaded, stateDir);
    const code = makeJoinCode(meshFile.tls !== undefined);
    const invitation: Invitation = {
      id: code.id,
      key: code.publicKey,
      sealKey: Buffer.from(code.sealKey).toString("base64"),
      subnet: invited.subnet,
      ...(invited.member === undefined ? {} : { member: invited.member }),
      expiresAt: new Date(Date.now() + ttlMs).toISOString(),
    };
    const invitations = new Invitations(stateDir);
    invitations.add(invitation);
    try {
      await untilKnown(stateDir, (open) => open.includes(code.id));
    } catch (thrown) {
      invitations.remove(code.id);
      throw thrown;
    }
    const host = meshFile.hosts.get(ROOT_DOMAIN)?.host ?? "";
    const port = layout.ports[ROOT_DOMAIN]?.port ?? 0;
    return { code, invitation, host, port, isLocal: isLoopback(host) };
  });
}

/**
 * Revokes an invitation and waits until the root's server rejects it. Rejects with `usage` for one that is not open.
 */
export async function revoke(id: string, stateDir: string): Promise<void> {
  readLayout(stateDir);
  if (!new Invitations(stateDir).remove(id)) throw new MeshError("usage", `no invitation ${id} is open`);
  await untilKnown(stateDir, (open) => !open.includes(id));
}

async function untilKnown(stateDir: string, isSo: (open: readonly unknown[]) => boolean): Promise<void> {
  const deadlineMs = Date.now() + IN_FORCE_MS;
  while (!isSo(await askOpen(stateDir))) {
    if (Date.now() >= deadlineMs) {
      throw new MeshError(
        "timeout",
        `the root has not taken up its invitations after ${IN_FORCE_MS / 1000} s; see adaos status`,
      );
    }
    await delay(POLL_MS);
  }
}

/** Invitations that the root's server knows. */
async function askOpen(stateDir: string): Promise<readonly unknown[]> {
  try {
    const { statusUrl } = JSON.parse(readFileSync(runFilePath(stateDir, "root"), "utf8")) as RunFile;
    const response = await fetch(`${statusUrl}/status`, { signal: AbortSignal.timeout(ANSWER_MS) });
    const { joining } = ((await response.json()) as NodeStatus).parts;
    const open = joining?.details?.["open"];
    return Array.isArray(open) ? open : [];
  } catch (cause) {
    throw new MeshError("unavailable", `no root daemon runs from ${stateDir}; it lets others join`, {
      cause,
    });
  }
}
