export type {
  Envelope,
  EventData,
  EventMap,
  HandlerContext,
  IdempotencyStore,
  OnEvent,
  Published,
  PublishOptions,
  ReplyData,
  RequestOptions,
  RunContext,
  RunOptions,
  RunResult,
  Subscription,
  SubscriptionOptions,
} from "@adaos/core";
export {
  type ClassifyRule,
  MeshError,
  type MeshErrorCode,
  NonRetryableError,
  RetryableError,
  type RetryOptions,
  type Violation,
} from "@adaos/core";
export {
  DatabaseConnectionEstablished,
  DatabaseConnectionFailed,
  DatabaseHealthCheckCompleted,
  DomainEvent,
  type EventClass,
  type Probe,
  type ProbeConnection,
  type ProbeHealth,
  type ProbeOptions,
} from "@adaos/probes";
export { type ConnectOptions, connect, openBus } from "./connect.ts";
export { marksBytes } from "./marks/marks-bytes.ts";
export { type PeekedMarks, peekMarks } from "./marks/peek-marks.ts";
export type { MemberBus as Bus, PublishedBefore } from "./member-bus.ts";
export { outboxSize, peekOutbox, type QueuedEvent } from "./outbox/peek-outbox.ts";
