import { MeshError } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";

const PAUSE_MS = 500;

/**
 * Publishes again while the hub is away, for so long; the last attempt may end later. Every attempt must have the same
 * event id: then an event that was stored unnoticed is not stored twice. Rejects with `timeout`, naming that id, when
 * any attempt may have stored the event, whatever became of later ones.
 */
export async function publishAgain<T>(
  eventId: string,
  waitMs: number,
  publish: () => Promise<T>,
  pauseMs: number = PAUSE_MS,
): Promise<T> {
  const deadlineMs = Date.now() + waitMs;
  let unsure: MeshError | undefined;
  for (;;) {
    try {
      return await publish();
    } catch (thrown) {
      const code = thrown instanceof MeshError ? thrown.code : undefined;
      if (code === "timeout") unsure = unknownOutcome(thrown, eventId);
      const passes = code === "timeout" || code === "unavailable";
      if (!passes || Date.now() + pauseMs >= deadlineMs) throw unsure ?? thrown;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

function unknownOutcome(cause: unknown, eventId: string): MeshError {
  const what = `${messageOf(cause)}; repeat it with --event-id ${eventId}, and it is stored once`;
  return new MeshError("timeout", what, { cause });
}
