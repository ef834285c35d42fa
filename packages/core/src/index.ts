// Exports for programs and for readers of events. Exports for the sibling packages are in `@adaos/core/wire`.

// The API.
export { Bus, type BusOptions } from "./bus.ts";
export type { BusStats } from "./bus-stats.ts";
export {
  type ClassifyRule,
  classify,
  NonRetryableError,
  RetryableError,
} from "./handle/classify.ts";
export type { OnEvent, SubscriptionOptions } from "./handle/consume.ts";
export type { HandlerContext } from "./handle/handler-context.ts";
export {
  RETRY_PRESETS,
  type RetryOptions,
  type RetryPolicy,
  type RetryPreset,
} from "./handle/retry-policy.ts";
// The language: envelope, names, patterns, errors.
export { type CloudEvent, fromCloudEvent, toCloudEvent } from "./language/cloud-event.ts";
export {
  checkEnvelope,
  decodeEnvelope,
  type Envelope,
  type EventKind,
  encodeEnvelope,
} from "./language/envelope.ts";
export { MESH_ERROR_CODES, MeshError, type MeshErrorCode, type Violation } from "./language/errors.ts";
export { newEventId } from "./language/event-id.ts";
export type { EventData, EventMap, ReplyData } from "./language/event-map.ts";
export { type EventRef, formatEventRef, parseEventRef } from "./language/event-name.ts";
export { type EventPattern, parseEventPattern, patternMatches } from "./language/event-pattern.ts";
// Metrics.
export { Metrics } from "./measure/metrics.ts";
// Policy.
export { compilePolicy } from "./policy/compile-policy.ts";
export type { Mesh } from "./policy/mesh.ts";
export { Policy, type PolicyRule } from "./policy/policy.ts";
export type { Published, PublishOptions } from "./publish/publish.ts";
export type { RequestOptions } from "./request/request.ts";
export type { RunContext, RunOptions, RunResult } from "./run/run.ts";
// Timers.
export type { TimerOptions } from "./timer/timer.ts";
export type { TimerInfo } from "./timer/timer-info.ts";
// The port that a transport implements.
export type {
  Delivery,
  EventContract,
  IdempotencyStore,
  Logger,
  Marks,
  Message,
  PublishReceipt,
  SchemaRegistry,
  SendOptions,
  Settlement,
  StartAt,
  SubscribeOptions,
  Subscription,
  Timers,
  Transport,
  TransportCapabilities,
  Validation,
} from "./transport.ts";
