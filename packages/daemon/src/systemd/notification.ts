import type { NodeStatus } from "../status-server.ts";

/** What systemd has been told so far. */
export interface Told {
  readonly ready: boolean;
  readonly status: string;
}

export const NOTHING_TOLD: Told = { ready: false, status: "" };

/** systemctl shows one line. */
const MAX_STATUS_CHARS = 200;

/**
 * The assignments to send to systemd, see sd_notify(3); none when it knows everything. Pure.
 *
 * A beat says that the parts of the node work, and not that a timer runs: while a part is stuck there is none. A node
 * that waits for its server is well, so before it is ready each beat extends the time for its start.
 * @param beatMs Time between two beats, when one is due now; systemd allows three times as much.
 */
export function planNotification(
  status: Pick<NodeStatus, "ready" | "stuck" | "parts">,
  told: Told,
  beatMs: number | undefined,
): { readonly lines: readonly string[]; readonly told: Told } {
  const ready = told.ready || status.ready;
  const text = statusText(status);
  const lines: string[] = [];
  if (ready && !told.ready) lines.push("READY=1");
  if (text !== told.status) lines.push(`STATUS=${text}`);
  if (beatMs !== undefined && status.stuck === undefined)
    lines.push(ready ? "WATCHDOG=1" : `EXTEND_TIMEOUT_USEC=${3 * beatMs * 1000}`);
  return { lines, told: { ready, status: text } };
}

/** What `systemctl status` shows: one line. Pure. */
function statusText({ stuck, parts }: Pick<NodeStatus, "stuck" | "parts">): string {
  const isStuck = Object.entries(stuck ?? {}).map(([name, reason]) => `${name} ${reason}`);
  if (isStuck.length > 0) return short(`stuck: ${isStuck.join("; ")}`);
  const waiting = Object.entries(parts).flatMap(([name, { ready, reason = "is not ready" }]) =>
    ready ? [] : [`${name}: ${reason}`],
  );
  return waiting.length === 0 ? "ready" : short(`not ready: ${waiting.join("; ")}`);
}

/** A reason may quote a server: a line end would begin another assignment. */
function short(text: string): string {
  const line = text.replaceAll(/\p{Cc}+/gu, " ");
  return line.length <= MAX_STATUS_CHARS ? line : `${line.slice(0, MAX_STATUS_CHARS - 1)}…`;
}
