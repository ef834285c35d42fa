import type { StreamLimits } from "@adaos/config";
import {
  DEAD_LETTER_ROOT,
  DONE_ROOT,
  deadLetterStream,
  doneStream,
  EVENT_ROOT,
  eventsStream,
  failedRunsStream,
  MAX_DEAD_LETTER_BYTES,
  MAX_DOCUMENT_BYTES,
  MAX_EVENT_BYTES,
  MAX_MARK_BYTES,
  MAX_METRICS_BYTES,
  MAX_RECORD_BYTES,
  MAX_RECORDS,
  METRICS_ROOT,
  metricsStream,
  type NodeAddress,
  PARKED_ROOT,
  PROCESSING_ROOT,
  parkedStream,
  processingStream,
  REPLAY_ROOT,
  REPLIED_ROOT,
  REPLY_ROOT,
  RUN_ROOT,
  runRecordSubject,
  runRecordsStream,
  runsStream,
  subjectsOf,
  TIMER_ROOT,
  timerAlarmRepublish,
  timersStream,
} from "@adaos/core/wire";
import type { StreamSettings } from "@adaos/transport-nats";

/** Records of failures outlive the events, so that operators can still read them. */
const JOURNAL_AGE_FACTOR = 4;
const JOURNAL_MAX_BYTES = 268_435_456;
/** Marks of handled events outlive the events in their stream. */
const DONE_AGE_FACTOR = 2;
/** For messages that are never repeated under one id; the shortest window costs the least memory. */
const SHORT_WINDOW_MS = 1000;
/** Some 1.3 million marks of 206 bytes. */
const DONE_MAX_BYTES = 268_435_456;
const TIMERS_MAX_BYTES = 67_108_864;
const MAX_TIMER_MESSAGE_BYTES = 65_536;
const RUNS_MAX_BYTES = 134_217_728;
const RUN_RECORDS_MAX_BYTES = 67_108_864;
const RUN_RECORDS_MAX_AGE_MS = 31 * 86_400_000;
const FAILED_RUNS_MAX_AGE_MS = 92 * 86_400_000;
/** The server counts the headers of a message as part of it. */
const MAX_HEADER_BYTES = 1024;
const METRICS_MAX_BYTES = 67_108_864;
const METRICS_MAX_AGE_MS = 31 * 86_400_000;

/**
 * Plans every stream of a subnet's hub. Pure.
 * @param replicas Servers of the hub, each with a copy.
 */
export function planStreams(
  subnet: string,
  members: readonly string[],
  limits: StreamLimits,
  replicas = 1,
): StreamSettings[] {
  const streams = [
    planEvents(subnet, limits),
    ...planJournal(subnet, limits),
    ...members.map((node) => planMarks({ subnet, node }, limits)),
    planMetrics(subnet),
    planTimers(subnet, limits),
    ...planRuns(subnet, limits),
  ];
  return replicas === 1 ? streams : streams.map((stream) => ({ ...stream, replicas }));
}

function planEvents(
  subnet: string,
  { maxBytes, maxAgeHours, duplicateWindowMs }: StreamLimits,
): StreamSettings {
  return {
    name: eventsStream(subnet),
    subjects: [subjectsOf(EVENT_ROOT), subjectsOf(REPLAY_ROOT), subjectsOf(REPLY_ROOT)],
    // A requester receives its reply without a consumer.
    republish: { src: subjectsOf(REPLY_ROOT), dest: subjectsOf(REPLIED_ROOT) },
    maxBytes,
    maxAgeMs: maxAgeHours * 3_600_000,
    duplicateWindowMs,
    maxMessageBytes: MAX_EVENT_BYTES,
  };
}

function planJournal(
  subnet: string,
  { maxBytes, maxAgeHours, duplicateWindowMs }: StreamLimits,
): StreamSettings[] {
  const journal = {
    maxBytes: Math.min(maxBytes, JOURNAL_MAX_BYTES),
    maxAgeMs: maxAgeHours * 3_600_000 * JOURNAL_AGE_FACTOR,
    duplicateWindowMs,
    maxMessagesPerSubject: 1,
  };
  return [
    {
      name: deadLetterStream(subnet),
      subjects: [subjectsOf(DEAD_LETTER_ROOT)],
      ...journal,
      maxMessageBytes: MAX_DEAD_LETTER_BYTES,
    },
    // Separate from the dead letters: strangers' events take no room that a failure needs.
    {
      name: parkedStream(subnet),
      subjects: [subjectsOf(PARKED_ROOT)],
      ...journal,
      maxBytes: Math.ceil(journal.maxBytes / 2),
      duplicateWindowMs: SHORT_WINDOW_MS,
      maxMessageBytes: MAX_EVENT_BYTES,
    },
    {
      name: processingStream(subnet),
      subjects: [subjectsOf(PROCESSING_ROOT)],
      ...journal,
      // The newest records matter most, and a failed event must never wait for room here.
      whenFull: "drop-oldest",
      maxMessageBytes: MAX_RECORD_BYTES,
    },
  ];
}

/** The marks of a member, in a separate stream: no other member can read them, or push them out by filling it. */
function planMarks(member: NodeAddress, { maxBytes, maxAgeHours }: StreamLimits): StreamSettings {
  return {
    name: doneStream(member),
    subjects: [subjectsOf(DONE_ROOT, member.subnet, member.node)],
    maxBytes: Math.min(maxBytes, DONE_MAX_BYTES),
    maxAgeMs: maxAgeHours * 3_600_000 * DONE_AGE_FACTOR,
    duplicateWindowMs: SHORT_WINDOW_MS,
    maxMessagesPerSubject: 1,
    // A full stream of marks must not stop handlers: the oldest marks make room.
    whenFull: "drop-oldest",
    maxMessageBytes: MAX_MARK_BYTES,
  };
}

/** A server that schedules messages lets a full stream drop its oldest; the hub lets it never be full. */
function planTimers(subnet: string, limits: StreamLimits): StreamSettings {
  return {
    name: timersStream(subnet),
    subjects: [subjectsOf(TIMER_ROOT, subnet)],
    maxBytes: timersMaxBytes(limits),
    // A timer is kept until it is removed.
    maxAgeMs: 0,
    duplicateWindowMs: SHORT_WINDOW_MS,
    maxMessagesPerSubject: 1,
    whenFull: "drop-oldest",
    maxMessageBytes: MAX_TIMER_MESSAGE_BYTES,
    schedules: true,
    republish: timerAlarmRepublish(subnet),
  };
}

function timersMaxBytes({ maxBytes }: StreamLimits): number {
  return Math.min(maxBytes, TIMERS_MAX_BYTES);
}

/** The bytes that all definitions of timers may take: their states and alarms need room as well. Pure. */
export function timersDataBytes(limits: StreamLimits): number {
  return Math.floor(timersMaxBytes(limits) / 4);
}

/** What scenarios wait for is never dropped. Their records are, each kind by itself. */
function planRuns(subnet: string, { maxBytes }: StreamLimits): StreamSettings[] {
  const shared = {
    duplicateWindowMs: SHORT_WINDOW_MS,
    maxMessageBytes: MAX_DOCUMENT_BYTES + MAX_HEADER_BYTES,
  };
  const records = {
    ...shared,
    maxBytes: Math.min(maxBytes, RUN_RECORDS_MAX_BYTES),
    maxMessagesPerSubject: MAX_RECORDS,
    whenFull: "drop-oldest",
  } as const;
  const any = { subnet, node: "*" };
  return [
    {
      name: runsStream(subnet),
      subjects: [subjectsOf(RUN_ROOT, subnet)],
      ...shared,
      maxBytes: Math.min(maxBytes, RUNS_MAX_BYTES),
      // A run may wait for a year.
      maxAgeMs: 0,
      maxMessagesPerSubject: 1,
      expiries: true,
    },
    {
      name: runRecordsStream(subnet),
      subjects: [runRecordSubject(any, "*", "ok"), runRecordSubject(any, "*", "skipped")],
      maxAgeMs: RUN_RECORDS_MAX_AGE_MS,
      ...records,
    },
    {
      name: failedRunsStream(subnet),
      subjects: [runRecordSubject(any, "*", "failed")],
      maxAgeMs: FAILED_RUNS_MAX_AGE_MS,
      ...records,
    },
  ];
}

/** Counters of the last weeks, one message for each hour of a process; the oldest make room. */
function planMetrics(subnet: string): StreamSettings {
  return {
    name: metricsStream(subnet),
    subjects: [subjectsOf(METRICS_ROOT)],
    maxBytes: METRICS_MAX_BYTES,
    maxAgeMs: METRICS_MAX_AGE_MS,
    duplicateWindowMs: SHORT_WINDOW_MS,
    maxMessagesPerSubject: 1,
    whenFull: "drop-oldest",
    maxMessageBytes: MAX_METRICS_BYTES,
  };
}
