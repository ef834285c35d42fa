export type {
  Bus,
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
export { type ConnectOptions, connect, openBus } from "./connect.ts";
export { marksBytes } from "./marks/marks-bytes.ts";
export { outboxSize, peekOutbox, type QueuedEvent } from "./outbox/peek-outbox.ts";
