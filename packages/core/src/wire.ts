export {
  type DeadLetter,
  deadLetterId,
  encodeDeadLetter,
  letterIdOf,
  parkedLetter,
  UNKNOWN_EVENT_RULE,
} from "./dead-letter/dead-letter.ts";
export {
  type EventParking,
  type FailureJournal,
  MAX_PARKED_AT_ONCE,
  type RecordedEvent,
} from "./dead-letter/failure-journal.ts";
export type { GivenUpAlert } from "./dead-letter/given-up-alert.ts";
export { failuresOf, type ProcessingRecord, type ProcessingStatus } from "./dead-letter/processing-record.ts";
export {
  newReplayId,
  type ReplayableLetter,
  replayEventId,
  replayIdProblem,
  replayOf,
  replayOfStored,
} from "./dead-letter/replay.ts";
export type { Classification, FailureCategory } from "./handle/classify.ts";
export { effectKey } from "./handle/once.ts";
export { assertOrigin, assertTenant, openDelivery } from "./handle/open-delivery.ts";
export { resolveRetry, retryDelayMs } from "./handle/retry-policy.ts";
export { settleFailure } from "./handle/settle-failure.ts";
export { assertWithin } from "./language/assert-within.ts";
export type { TypeMap } from "./language/cloud-event.ts";
export { type CloudEventMode, decodeCloudEvent, encodeCloudEvent } from "./language/cloud-event-message.ts";
export { type ClassifiedData, DATA_CLASSES, type DataClass, maskOf } from "./language/data-class.ts";
export {
  escapePointer,
  isEventId,
  MAX_ENVELOPE_BYTES,
  MAX_JSON_DEPTH,
  REQUIRED_ENVELOPE_FIELDS,
} from "./language/envelope.ts";
export { messageOf } from "./language/errors.ts";
export { eventIdAt } from "./language/event-id.ts";
export { eventNameProblem, quote } from "./language/event-name.ts";
export { minimalPatterns, patternCovers } from "./language/event-pattern.ts";
export { repeatedKey } from "./language/json-text.ts";
export { nearest } from "./language/nearest.ts";
export { randomId } from "./language/random-id.ts";
export { RecentMap } from "./language/recent-map.ts";
export { counted, escapeUnseen, firstLine, visibleJson, visibleText } from "./language/visible-text.ts";
export { ALERTS, type AlertDescription, type AlertId } from "./measure/catalogue/alert-catalogue.ts";
export {
  ALERT_RULES,
  type AlertCondition,
  type AlertRule,
  type JudgedAlertId,
} from "./measure/catalogue/alert-rules.ts";
export { METRICS, type MetricDescription, type MetricId } from "./measure/catalogue/bus-metrics.ts";
export { NODE_METRICS } from "./measure/catalogue/node-metrics.ts";
export {
  answerScrape,
  type Exposition,
  exposition,
  type Family,
  mergeFamilies,
} from "./measure/exposition.ts";
export { mergeCounted } from "./measure/merge-counted.ts";
export {
  type Counted,
  MAX_PROBE_REPORTS,
  type MetricsSnapshot,
  type MetricsStore,
} from "./measure/metrics.ts";
export {
  type LatencySummary,
  type MetricsSummary,
  type OutcomeCounts,
  summarize,
} from "./measure/metrics-summary.ts";
export {
  type ProbeReport,
  type StandingProbe,
  standingProbes,
  type TakenSnapshot,
} from "./measure/probe-report.ts";
export { PROBE_OBJECTIVE, type ProbeLooks, type ProbeSlo, probeSlos } from "./measure/probe-slo.ts";
export { countedFamilies, type Figure, figureFamilies, prometheusText } from "./measure/prometheus.ts";
export { linkSpan, type MessageSpan } from "./measure/tracing.ts";
export { type KnownEvent, rulesBySubnet, rulesOf, TENANT_BOUNDARY } from "./policy/compile-policy.ts";
export { type Denial, Denials, POLICY_DENIED } from "./policy/denials.ts";
export {
  DEFAULT_TENANT,
  type DeclaredRule,
  type Durability,
  foreignSubnets,
  type Member,
  type Region,
  type Subnet,
} from "./policy/mesh.ts";
export {
  BUDGET,
  CLEARANCE,
  DEFAULT_DENY,
  deniedError,
  type PolicyDecision,
  type PolicyQuestion,
  type PolicyVerb,
} from "./policy/policy.ts";
export { type Rate, type RateLimit, RateLimits } from "./policy/rate-limits.ts";
export { compileRegionRules } from "./policy/region-rules.ts";
export { TokenBucket } from "./policy/token-bucket.ts";
export { type DaemonEvent, daemonEventId, daemonMessage } from "./publish/daemon-event.ts";
export {
  assertContract,
  contractOrError,
  missingHeader,
  type Publisher,
  prepareEvent,
} from "./publish/publish.ts";
export {
  SIGNATURE_HEADER,
  SIGNATURE_KEY_BYTES,
  type SignatureKey,
  signatureKey,
  signatureOf,
} from "./publish/signature.ts";
export { assertSigned, Signatures, type SubnetSignatures } from "./publish/signatures.ts";
export { REPLY_KEY_HEADER, REPLY_PROOF_HEADER, replySecret } from "./request/reply-proof.ts";
export { type Clock, REAL_CLOCK } from "./time/clock.ts";
export { delay } from "./time/delay.ts";
export { every } from "./time/every.ts";
export { within } from "./time/within.ts";
export { backfillTimes, MAX_BACKFILL } from "./timer/backfill.ts";
export { afterStep, decideFires, type FireKind, LATE_MS } from "./timer/decide-fires.ts";
export {
  assertTimer,
  isSameTimer,
  newTimerState,
  nominalTimes,
  parseTimeIn,
  resolveTimer,
  TIMER_CATCH_UPS,
  TIMER_OVERLAPS,
  TIMER_TICK,
  type Timer,
  type TimerCatchUp,
  type TimerDefinition,
  type TimerOptions,
  type TimerOverlap,
  type TimerSchedule,
  type TimerState,
} from "./timer/timer.ts";
export { TIMER_HEADERS, type TimerFire, timerMessage } from "./timer/timer-event.ts";
export { type TimerInfo, timerInfo } from "./timer/timer-info.ts";
export { type KeptTimer, MAX_TIMERS, type TimerPorts, TimerRunner } from "./timer/timer-runner.ts";
export { localTimeOf } from "./timer/zone.ts";
export type {
  Documents,
  DocumentWrite,
  MarksPlace,
  OnDelivery,
  OutboxStatus,
  RecordKind,
  StoredDocument,
} from "./transport.ts";
export {
  ANSWER_ROOT,
  ASK_ROOT,
  ASKED_ROOT,
  answerSubject,
  askedEvent,
  askSubject,
  givenAnswerFilter,
  receivedAnswerFilter,
  subnetAsks,
} from "./wire/ask-subject.ts";
export {
  deadLetterOfEvent,
  deadLetterSubject,
  deadLettersOf,
  deadLettersOfEventFilter,
  type LetterOwner,
  parseDeadLetterSubject,
} from "./wire/dead-letter-subject.ts";
export {
  assertStreamFormat,
  assertSuffixes,
  FORMATS,
  type Format,
  type FormatId,
  formatOf,
  inFormat,
  isNewer,
  STREAM_FORMAT,
  streamFormat,
  withFormat,
} from "./wire/formats.ts";
export { messageProblem } from "./wire/message-problem.ts";
export {
  MAX_DEAD_LETTER_BYTES,
  MAX_EVENT_BYTES,
  MAX_MARK_BYTES,
  MAX_METRICS_BYTES,
  MAX_PAYLOAD_BYTES,
  MAX_RECORD_BYTES,
  messageBytes,
  sizeProblem,
} from "./wire/message-size.ts";
export {
  ALERT_ROOT,
  type AlertKind,
  alertSubject,
  alertsStream,
  bridgePrefix,
  DAEMON_NODES,
  DEAD_LETTER_ROOT,
  DONE_ROOT,
  DURABLE_METADATA,
  deadLetterStream,
  doneStream,
  downlinkDurable,
  ENDED_PROCESSES,
  eventsStream,
  FELLOW_RIGHTS,
  FELLOW_SERVICE,
  FILL_SERVICE,
  fillSubject,
  HUB_SERVICES,
  type HubService,
  hubServiceSubject,
  idToken,
  inboxPrefix,
  ingestPrefix,
  ingestSubject,
  joiningUser,
  joinSubject,
  leaseStream,
  leaseSubject,
  linkUser,
  MESH_STREAM,
  METRICS_ROOT,
  markSubject,
  memberConsumer,
  metricsStream,
  metricsSubject,
  OUTBOX_STREAM,
  PARKED_ROOT,
  PROCESSING_ROOT,
  parkedStream,
  parseHubServiceSubject,
  parseMemberConsumer,
  parseMetricsSubject,
  parseTimerSubject,
  processingStream,
  REFILL_SERVICE,
  REGISTRY_OFFER,
  ROOT_DOMAIN,
  recordSubject,
  recordsOfEventFilter,
  refillSubject,
  regionDurable,
  regionUser,
  registryOfferSubject,
  replyIngestPrefix,
  TIMER_ROOT,
  type TimerPart,
  timerAlarmFilter,
  timerAlarmRepublish,
  timerSubject,
  timersStream,
  UPLINK_DURABLE,
} from "./wire/names.ts";
export {
  formatParkedPlace,
  PARKED_EVENTS,
  parkedEventSubject,
  parkedWaitFilter,
  parkedWaitSubject,
  parkedWaitsAtFilter,
  parseParkedPlace,
  parseParkedSubject,
} from "./wire/parked-subject.ts";
export { CLOCK_HEADER, MAX_CLOCK_OFF_MS, offFrom, PeerClocks, parseClock } from "./wire/peers/peer-clocks.ts";
export {
  OWN_PROGRAM,
  PROGRAM_HEADER,
  PROTOCOL,
  type Program,
  parseProgram,
  programText,
  whyApart,
} from "./wire/program.ts";
export {
  farReplyFilter,
  formatReplySubject,
  givenReplyFilter,
  isReplySubject,
  parseReplySubject,
  REPLIED_ROOT,
  REPLY_ROOT,
  type ReplyAddress,
  receivedReplyFilter,
  replyName,
  replySubjectForm,
  requestReplyFilter,
} from "./wire/reply-subject.ts";
export {
  documentSubject,
  failedRunsStream,
  MAX_DOCUMENT_BYTES,
  MAX_DOCUMENT_WRITES,
  MAX_RECORDS,
  parseRunSubject,
  RAN_ROOT,
  RUN_ROOT,
  runChangedSubject,
  runRecordSubject,
  runRecordsStream,
  runsStream,
  STATE_WORD,
} from "./wire/run-names.ts";
export { restoreSubject, type StreamContent, snapshotSubject, streamContent } from "./wire/snapshot-names.ts";
export {
  EVENT_ROOT,
  type EventAddress,
  filterOrigin,
  formatReplaySubject,
  formatSubject,
  isEventSubject,
  isReplaySubject,
  type NodeAddress,
  originTokenProblem,
  parseDeliverySubject,
  parseNodeAddress,
  parseReplayTarget,
  parseSubject,
  patternTail,
  patternToFilter,
  REPLAY_ROOT,
  replayFilter,
  replayPrefix,
  subjectsOf,
} from "./wire/subject.ts";
export { subjectMatches } from "./wire/subject-matches.ts";
export { TRAVELLING_HEADERS, travellingHeaders } from "./wire/travelling-headers.ts";
export { writerOf } from "./wire/writer.ts";
