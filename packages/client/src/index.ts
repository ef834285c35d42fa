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
export { type PeekedMarks, peekMarks } from "./marks/peek-marks.ts";
export { peekOutbox, type QueuedEvent } from "./outbox/peek-outbox.ts";
