import type { SkillEvent } from "../define.ts";

/**
 * The messages between the daemon and the process of a skill: a line of JSON each, both ways. `id` of an event names
 * the delivery; `id` of a publish or request is the skill's own, and comes back in the result.
 */

export const PROTOCOL_VERSION = 1;
/** Longest line: the largest envelope of 1 MiB, and room for what is around it. */
export const MAX_LINE_BYTES: number = 1024 * 1024 + 64 * 1024;
/** A handler that never ends shall not hide a loop that has stopped: the process is asked at this interval. */
export const PING_MS = 2000;

/** An error as it crosses the process's border. */
export interface ToldError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly status?: number;
  readonly stack?: string;
  /** Whether another attempt may help; the mesh's rules decide where it is not told. */
  readonly retryable?: boolean;
  readonly retry_after_ms?: number;
}

export type ToSkill =
  | {
      readonly type: "start";
      readonly protocol: typeof PROTOCOL_VERSION;
      readonly skill: string;
      readonly subscribe: readonly string[];
      readonly publish: readonly string[];
    }
  | {
      readonly type: "event";
      readonly id: number;
      /** The entry of `events.subscribe` by which it came. */
      readonly handler: string;
      readonly attempt: number;
      readonly event: SkillEvent;
    }
  /** The handler's time is up: its result is no longer awaited. */
  | { readonly type: "cancel"; readonly id: number }
  | { readonly type: "result"; readonly id: number; readonly value: unknown }
  | { readonly type: "result"; readonly id: number; readonly error: ToldError }
  | { readonly type: "ping"; readonly id: number }
  | { readonly type: "stop" };

/** What a skill asks to be published. */
export interface AskedPublish {
  readonly id: number;
  /** The delivery that it belongs to. */
  readonly delivery?: number;
  readonly event: string;
  readonly data: unknown;
  readonly key?: string;
}

export interface AskedRequest extends AskedPublish {
  readonly timeout_ms?: number;
}

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type FromSkill =
  | { readonly type: "ready"; readonly handlers: readonly string[] }
  /** It cannot start. */
  | { readonly type: "broken"; readonly error: ToldError }
  | { readonly type: "done"; readonly id: number; readonly value?: unknown }
  | { readonly type: "failed"; readonly id: number; readonly error: ToldError }
  | ({ readonly type: "publish" } & AskedPublish)
  | ({ readonly type: "request" } & AskedRequest)
  | {
      readonly type: "log";
      readonly level: LogLevel;
      readonly message: string;
      readonly fields?: Readonly<Record<string, unknown>>;
    }
  | { readonly type: "pong"; readonly id: number };
