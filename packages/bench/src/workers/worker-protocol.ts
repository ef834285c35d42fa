import type { Place } from "../contender.ts";
import type { Spent } from "./codec-meter.ts";

interface RoleWork {
  /** Name of a contender, or path of a module that exports one. */
  readonly contender: string;
  readonly place: Place;
}

/** Sends texts; says `ready`, then `warm`, waits for `go`, says `sent`. */
export interface SendWork extends RoleWork {
  readonly role: "send";
  readonly count: number;
  readonly warmUp: number;
  readonly bytes: number;
  /** @default as fast as the window lets it */
  readonly perSecond?: number;
  /** Limit of sends in flight. */
  readonly window: number;
  /** Whether its processor time is measured. @default false */
  readonly isMetered?: boolean | undefined;
}

/** Receives texts as each of `receivers`; says `ready`, then `warm`, then `received`. */
export interface ReceiveWork extends RoleWork {
  readonly role: "receive";
  readonly receivers: readonly string[];
  readonly count: number;
  readonly warmUp: number;
  /** The length of the texts, if its processor time is measured from `warm` on. @default it is not */
  readonly meteredBytes?: number | undefined;
}

/** Requests answers, many at a time and then one at a time; says `ready`, waits for `go`, says `asked`. */
export interface AskWork extends RoleWork {
  readonly role: "ask";
  readonly count: number;
  readonly warmUp: number;
  readonly bytes: number;
  readonly window: number;
  /** Number of requests that are sent one at a time. */
  readonly alone: number;
}

/** Answers requests; says `ready`. */
export interface AnswerWork extends RoleWork {
  readonly role: "answer";
}

/** Fails every event for good until `go`; says `ready`, then `received` when `count` were handled after that. */
export interface FailWork extends Omit<RoleWork, "contender"> {
  readonly role: "fail";
  readonly count: number;
}

/** Publishes in turns with ours and with the bare client; says `ready`, waits for `go`, says `compared`. */
export interface CompareWork extends Omit<RoleWork, "contender"> {
  readonly role: "compare";
  readonly count: number;
  readonly warmUp: number;
  readonly bytes: number;
  readonly window: number;
}

/** Publishes as a member of the default mesh, at a steady rate; says `ready`, waits for `go`, says `sent`. */
export interface LoadWork extends Omit<RoleWork, "contender"> {
  readonly role: "load";
  readonly count: number;
  readonly perSecond: number;
}

/** The work of a worker, in its first argument. */
export type Work = SendWork | ReceiveWork | AskWork | AnswerWork | FailWork | CompareWork | LoadWork;

/** The cost of one of two publishers for its caller. */
export interface PublishCost {
  /** One at a time. */
  readonly eachMs: readonly number[];
  /** CPU of this process, with the window full. */
  readonly cpuMsPerPublish: number;
}

/** What a worker tells. Times are milliseconds since the epoch, with fractions. */
export type Told =
  | { readonly kind: "ready" | "warm" }
  | { readonly kind: "progress"; readonly done: number; readonly of: number }
  | {
      readonly kind: "sent";
      readonly startedMs: number;
      readonly sentMs: number;
      /** If it was measured. */
      readonly spent?: Spent | undefined;
    }
  | {
      readonly kind: "received";
      readonly firstMs: number;
      readonly lastMs: number;
      readonly latenciesMs: readonly number[];
      readonly repeated: number;
      /** If it was measured. */
      readonly spent?: Spent | undefined;
    }
  | { readonly kind: "asked"; readonly allMs: number; readonly aloneMs: readonly number[] }
  | { readonly kind: "compared"; readonly ours: PublishCost; readonly raw: PublishCost }
  | { readonly kind: "failed"; readonly message: string };

/** Messages of the parent to a worker; `close` ends it gracefully. */
export type Command = "go" | "close";
