export { backoffMs } from "./backoff.ts";
export { Bus, type BusOptions, type BusStats } from "./bus.ts";
export { assertOrigin, type HandlerContext, type OnEvent, type SubscriptionOptions } from "./consume.ts";
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
export type { EventData, EventMap } from "./event-map.ts";
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
  patternToFilter,
} from "./event-pattern.ts";
export {
  type Durability,
  type Member,
  type Mesh,
  memberRules,
  rulesOf,
  type Subnet,
  subnetRules,
} from "./mesh.ts";
export {
  bridgePrefix,
  downlinkDurable,
  durableRequestSubject,
  eventsStream,
  inboxPrefix,
  ingestPrefix,
  MESH_STREAM,
  memberConsumer,
  ROOT_DOMAIN,
  UPLINK_DURABLE,
} from "./names.ts";
export {
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
  Logger,
  Message,
  OnDelivery,
  PublishReceipt,
  SchemaRegistry,
  Settlement,
  StartAt,
  SubscribeOptions,
  Subscription,
  Transport,
  TransportCapabilities,
  Validation,
} from "./ports.ts";
export type { Published, PublishOptions } from "./publish.ts";
export {
  EVENT_ROOT,
  type EventAddress,
  formatSubject,
  type NodeAddress,
  originTokenProblem,
  parseNodeAddress,
  parseSubject,
} from "./subject.ts";
export { linkSpan, type MessageHeaders, type MessageSpan, type SpanSubject } from "./tracing.ts";
