export { Bus, type BusOptions, type BusStats } from "./bus.ts";
export {
  type Classification,
  type ClassifyRule,
  classify,
  type FailureCategory,
  NonRetryableError,
  RetryableError,
} from "./classify.ts";
export { type CloudEvent, fromCloudEvent, type TypeMap, toCloudEvent } from "./cloud-event.ts";
export {
  type CloudEventMessage,
  type CloudEventMode,
  decodeCloudEvent,
  encodeCloudEvent,
} from "./cloud-event-message.ts";
export { compilePolicy, type KnownEvent, rulesOf, TENANT_BOUNDARY } from "./compile-policy.ts";
export type { HandlerContext, OnEvent, SubscriptionOptions } from "./consume.ts";
export { type ClassifiedData, DATA_CLASSES, type DataClass, maskOf } from "./data-class.ts";
export {
  type Attempt,
  type DeadLetter,
  encodeDeadLetter,
  parkedLetter,
  UNKNOWN_EVENT_RULE,
} from "./dead-letter.ts";
export { deadLetterSubject, type LetterOwner } from "./dead-letter-subject.ts";
export { type Denial, Denials, POLICY_DENIED } from "./denials.ts";
export {
  checkEnvelope,
  decodeEnvelope,
  type Envelope,
  encodeEnvelope,
  escapePointer,
  MAX_ENVELOPE_BYTES,
  MAX_JSON_DEPTH,
} from "./envelope.ts";
export {
  MESH_ERROR_CODES,
  MeshError,
  type MeshErrorCode,
  type MeshErrorOptions,
  messageOf,
  type Violation,
} from "./errors.ts";
export { newEventId } from "./event-id.ts";
export type { EventData, EventMap, ReplyData } from "./event-map.ts";
export {
  assertEventName,
  type EventRef,
  eventNameProblem,
  formatEventRef,
  parseEventRef,
  quote,
} from "./event-name.ts";
export {
  type EventPattern,
  minimalPatterns,
  parseEventPattern,
  patternCovers,
  patternMatches,
  patternTail,
  patternToFilter,
} from "./event-pattern.ts";
export { repeatedKey } from "./json-text.ts";
export {
  DEFAULT_TENANT,
  type DeclaredRule,
  type Durability,
  type Member,
  type Mesh,
  type SignatureRules,
  type Subnet,
} from "./mesh.ts";
export {
  MAX_DEAD_LETTER_BYTES,
  MAX_EVENT_BYTES,
  MAX_MARK_BYTES,
  MAX_METRICS_BYTES,
  MAX_PAYLOAD_BYTES,
  MAX_RECORD_BYTES,
  messageBytes,
  sizeProblem,
} from "./message-size.ts";
export { METRICS, type MetricId, Metrics, type MetricsSnapshot } from "./metrics.ts";
export {
  type LatencySummary,
  type MetricsSummary,
  type OutcomeCounts,
  summarize,
} from "./metrics-summary.ts";
export {
  bridgePrefix,
  DEAD_LETTER_ROOT,
  DONE_ROOT,
  DURABLE_METADATA,
  deadLetterStream,
  doneStream,
  downlinkDurable,
  eventsStream,
  FILL_SERVICE,
  fillSubject,
  HUB_SERVICES,
  type HubService,
  hubServiceSubject,
  inboxPrefix,
  ingestPrefix,
  joiningUser,
  joinSubject,
  linkUser,
  MESH_STREAM,
  METRICS_ROOT,
  memberConsumer,
  metricsStream,
  OUTBOX_STREAM,
  PARKED_ROOT,
  PROCESSING_ROOT,
  parkedStream,
  processingStream,
  REGISTRY_OFFER,
  ROOT_DOMAIN,
  registryOfferSubject,
  replyIngestPrefix,
  UPLINK_DURABLE,
} from "./names.ts";
export { assertOrigin, assertTenant } from "./open-delivery.ts";
export {
  formatParkedPlace,
  PARKED_EVENTS,
  type ParkedPlace,
  parkedEventSubject,
  parkedWaitFilter,
  parkedWaitSubject,
  parseParkedPlace,
  parseParkedSubject,
} from "./parked-subject.ts";
export {
  BUDGET,
  CLEARANCE,
  DEFAULT_DENY,
  deniedError,
  Policy,
  type PolicyDecision,
  type PolicyQuestion,
  type PolicyRule,
  type PolicyVerb,
} from "./policy.ts";
export type {
  Delivery,
  EventContract,
  EventKind,
  FailureJournal,
  IdempotencyStore,
  Logger,
  Message,
  MetricsStore,
  OnDelivery,
  OutboxStatus,
  PublishReceipt,
  RecordedEvent,
  SchemaRegistry,
  SendOptions,
  Settlement,
  StartAt,
  SubscribeOptions,
  Subscription,
  Transport,
  TransportCapabilities,
  Validation,
} from "./ports.ts";
export { MAX_PARKED_AT_ONCE } from "./ports.ts";
export type { ProcessingRecord, ProcessingStatus, RecoveryAction } from "./processing-record.ts";
export { prometheusText } from "./prometheus.ts";
export { assertContract, missingHeader, type Published, type PublishOptions } from "./publish.ts";
export { randomId } from "./random-id.ts";
export { type Rate, type RateLimit, RateLimits } from "./rate-limits.ts";
export { RecentMap } from "./recent-map.ts";
export {
  newReplayId,
  type ReplayableLetter,
  replayIdProblem,
  replayOf,
  replayOfStored,
  type StoredEvent,
} from "./replay.ts";
export { REPLY_KEY_HEADER, REPLY_PROOF_HEADER, replySecret } from "./reply-proof.ts";
export {
  farReplyFilter,
  formatReplySubject,
  parseReplySubject,
  REPLIED_ROOT,
  REPLY_ROOT,
  type ReplyAddress,
  replyName,
} from "./reply-subject.ts";
export type { RequestOptions } from "./request.ts";
export { RETRY_PRESETS, type RetryOptions, type RetryPolicy, type RetryPreset } from "./retry-policy.ts";
export type { RunContext, RunOptions, RunResult } from "./run.ts";
export {
  SIGNATURE_HEADER,
  SIGNATURE_KEY_BYTES,
  type SignatureKey,
  signatureKey,
} from "./signature.ts";
export { assertSigned, Signatures, type SubnetSignatures } from "./signatures.ts";
export {
  EVENT_ROOT,
  type EventAddress,
  formatReplaySubject,
  formatSubject,
  type NodeAddress,
  originTokenProblem,
  parseDeliverySubject,
  parseNodeAddress,
  parseReplayTarget,
  parseSubject,
  REPLAY_ROOT,
  replayPrefix,
} from "./subject.ts";
export { TokenBucket } from "./token-bucket.ts";
export { linkSpan, type MessageHeaders, type MessageSpan } from "./tracing.ts";
export { TRAVELLING_HEADERS } from "./travelling-headers.ts";
export { escapeUnseen, firstLine, visibleJson, visibleText } from "./visible-text.ts";
export { writerOf } from "./writer.ts";
