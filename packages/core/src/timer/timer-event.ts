import { createHash } from "node:crypto";
import { checkEnvelope } from "../language/envelope.ts";
import { eventIdAt } from "../language/event-id.ts";
import { newMessage, type Publisher } from "../publish/publish.ts";
import type { Message } from "../transport.ts";
import { formatSubject } from "../wire/subject.ts";
import type { FireKind } from "./decide-fires.ts";
import type { Timer } from "./timer.ts";

/** One event that a timer publishes. */
export interface TimerFire {
  /** When it should be by the schedule, milliseconds since the epoch. */
  readonly nominalMs: number;
  readonly kind: FireKind | "triggered" | "backfill";
  /** Of a fire by hand: sets it apart from the schedule's own at the same time. */
  readonly by?: string;
}

/** Headers of an event that a timer has published. */
export const TIMER_HEADERS = { timer: "timer", scheduledAt: "scheduled_at", fire: "timer_fire" } as const;

/** Made from timer and nominal time: a process that publishes the same fire again publishes the same event. Pure. */
export function timerEventId({ owner, name, sinceMs }: Timer, { nominalMs, by = "" }: TimerFire): string {
  const named = JSON.stringify([owner.subnet, owner.node, name, sinceMs, nominalMs, by]);
  return eventIdAt(nominalMs, createHash("sha256").update(named).digest("hex").slice(0, 12));
}

/**
 * The message of a fire, as if the timer's node had published it then; signed where its subnet signs. Throws
 * `invalid-event` or `too-large`.
 */
export function timerMessage(
  { tenant, signatures }: Pick<Publisher, "tenant" | "signatures">,
  timer: Timer,
  fire: TimerFire,
  nowMs: number,
): Message {
  const { owner, name, event, data } = timer;
  const id = timerEventId(timer, fire);
  const scheduledAt = new Date(fire.nominalMs).toISOString();
  const envelope = checkEnvelope({
    event_id: id,
    event_name: event.name,
    version: event.version,
    kind: event.kind,
    ts: new Date(nowMs).toISOString(),
    source: `timer@${owner.node}`,
    correlation_id: id,
    tenant,
    headers: {
      [TIMER_HEADERS.timer]: name,
      [TIMER_HEADERS.scheduledAt]: scheduledAt,
      [TIMER_HEADERS.fire]: fire.kind,
    },
    data: data ?? { timer: name, scheduled_at: scheduledAt },
  });
  const subject = formatSubject({ ...owner, name: event.name, version: event.version });
  return newMessage({ address: owner, signatures }, subject, envelope);
}
