import { resolveStateDir } from "@adaos/config";
import {
  type Logger,
  MeshError,
  newEventId,
  type Published,
  type PublishOptions,
  parseEventRef,
} from "@adaos/core";
import { readLayout } from "@adaos/provision";
import { withAllViolations } from "../registry/all-violations.ts";
import { connectMember } from "./connect-member.ts";
import { publishAgain } from "./publish-again.ts";

/** An event that an operator publishes as a member. */
export interface PublishAs {
  /** Name, with or without its version. */
  readonly event: string;
  readonly data: unknown;
  /** `subnet/node` */
  readonly as: string;
  /** The state folder. @default as `resolveStateDir()` */
  readonly state: string | undefined;
  /** The part of `source` before `@`. */
  readonly component: string;
  readonly idempotencyKey?: string | undefined;
  readonly correlationId?: string | undefined;
  /** Repeats a publish whose outcome is unknown. */
  readonly eventId?: string | undefined;
  /** While the hub is away the publish is tried again, for so long. @default 0: once */
  readonly waitMs?: number | undefined;
  /** While the hub is away the event is kept on this machine's disk. */
  readonly outbox?: boolean | undefined;
}

/**
 * Publishes with the member's rights. Rejects as `publish()` does; data that breaks its schema is told with every rule
 * that it breaks.
 */
export async function publishAs(request: PublishAs, log: Logger): Promise<Published> {
  const { event, data, state, waitMs = 0 } = request;
  parseEventRef(event);
  const eventId = request.eventId ?? newEventId(Date.now());
  try {
    return await publishAgain(eventId, waitMs, (onSend) => publishOnce({ ...request, eventId }, log, onSend));
  } catch (thrown) {
    if (!(thrown instanceof MeshError) || thrown.code !== "invalid-event" || thrown.schema === undefined)
      throw thrown;
    throw await withAllViolations(thrown, event, data, readLayout(resolveStateDir(state)).registryDir);
  }
}

async function publishOnce(request: PublishAs, log: Logger, onSend: () => void): Promise<Published> {
  const { event, data, as, state, component, outbox, waitMs } = request;
  const bus = await connectMember({
    as,
    ...(state === undefined ? {} : { state }),
    component,
    log,
    ...(outbox === true ? { waitForServer: true } : {}),
    // Where it is waited for the hub, success means that the hub has stored the event.
    ...(waitMs === undefined ? {} : { outbox: false }),
  });
  try {
    onSend();
    return await bus.publish(event, data, publishOptions(request));
  } finally {
    await bus.close();
  }
}

function publishOptions({ idempotencyKey, correlationId, eventId }: PublishAs): PublishOptions {
  return {
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(eventId === undefined ? {} : { eventId }),
  };
}
