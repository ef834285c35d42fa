import { MeshError } from "@adaos/core";
import { delay, messageOf, within } from "@adaos/core/wire";

const PAUSE_MS = 500;

/** One attempt. It calls `onSend` before the event leaves this process; that throws once the time is up. */
export type Attempt<T> = (onSend: () => void) => Promise<T>;

/**
 * Publishes again while the hub is away, for so long; an attempt that is still under way then is given up. Every
 * attempt must have the same event id: then an event that was stored unnoticed is not stored twice. Rejects with
 * `timeout`, naming that id, when any attempt may have stored the event, whatever the result of later attempts.
 * @param waitMs 0: one attempt without a time limit.
 */
export async function publishAgain<T>(
  eventId: string,
  waitMs: number,
  publish: Attempt<T>,
  pauseMs: number = PAUSE_MS,
): Promise<T> {
  const deadlineMs = Date.now() + waitMs;
  let unsure: MeshError | undefined;
  for (;;) {
    try {
      return await (waitMs === 0 ? publish(() => undefined) : inTime(deadlineMs, waitMs, publish));
    } catch (thrown) {
      const code = thrown instanceof MeshError ? thrown.code : undefined;
      if (code === "timeout") unsure = unknownOutcome(thrown, eventId);
      const passes = code === "timeout" || code === "unavailable";
      if (!passes || Date.now() + pauseMs >= deadlineMs) throw unsure ?? thrown;
    }
    await delay(pauseMs);
  }
}

/** Rejects with `timeout` when the time is up and the event was sent, with `unavailable` when it was not. */
async function inTime<T>(deadlineMs: number, waitMs: number, publish: Attempt<T>): Promise<T> {
  let sent = false;
  let isLate = false;
  const late = (): MeshError =>
    sent
      ? new MeshError("timeout", `the hub did not answer within ${waitMs} ms`)
      : new MeshError("unavailable", `no hub to publish to within ${waitMs} ms`);
  const attempt = publish(() => {
    if (isLate) throw late();
    sent = true;
  }).then((value) => ({ value }));
  const ended = await within(attempt, Math.max(0, deadlineMs - Date.now()));
  if (ended !== undefined) return ended.value;
  isLate = true;
  throw late();
}

function unknownOutcome(cause: unknown, eventId: string): MeshError {
  const what = `${messageOf(cause)}; repeat it with --event-id ${eventId}, and it is stored once`;
  return new MeshError("timeout", what, { cause });
}
