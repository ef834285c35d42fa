import { NonRetryableError, RetryableError } from "@adaos/client";
import type { SubscriptionOptions } from "@adaos/core";

/** What a handler does, and where that leaves an event; each is a durable of its own. */
export interface HandlerCase {
  readonly durable: string;
  readonly verdict: string;
  /** What `by` holds. */
  readonly by?: string;
  readonly options?: Omit<SubscriptionOptions, "durable">;
  readonly handle: () => unknown;
}

/** A wait that no test sees the end of. */
const retry = { baseMs: 60_000, factor: 1, maxRetries: 2, jitter: 0 } as const;
const soon = { ...retry, baseMs: 1 };

function failing(
  durable: string,
  verdict: string,
  thrown: unknown,
  options: HandlerCase["options"] = {},
): HandlerCase {
  const by = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : "just a text";
  const handle = (): never => {
    throw thrown;
  };
  return { durable, verdict, by, options, handle };
}

function coded(message: string, fields: object): Error {
  return Object.assign(new Error(message), fields);
}

const later = new RetryableError("later", { retryAfterMs: 60_000 });
const slower = coded("slower", { status: 429, headers: { "retry-after": "60" } });

let runs = 0;
/** Half of the runs fail. */
function onceInTwo(): void {
  if (++runs % 2 === 1) throw new RetryableError("not yet");
}

/** For a member of each subnet. */
export const HANDLERS: readonly HandlerCase[] = [
  { durable: "good", verdict: "delivered", handle: () => undefined },
  { durable: "cured", verdict: "delivered", options: { retry: soon }, handle: onceInTwo },
  failing("patient", "retrying", new RetryableError("busy"), { retry }),
  failing("asked", "retrying", later),
  failing("unknown", "retrying", new Error("who knows"), { retry }),
  failing("broken", "dead letter", new NonRetryableError("no such screen")),
  failing("spent", "dead letter", new RetryableError("busy"), { retry: { maxRetries: 0 } }),
  failing("faulty", "dead letter", new TypeError("x is not a function")),
];

/** Errors, each by another rule. */
export const ERRORS: readonly HandlerCase[] = [
  failing("refused", "retrying", coded("no connection", { code: "ECONNREFUSED" }), { retry }),
  failing("unreachable", "retrying", coded("no route", { code: "EHOSTUNREACH" }), { retry }),
  failing("full", "retrying", coded("disk full", { code: "ENOSPC" }), { retry }),
  failing("no-file", "dead letter", coded("no file", { code: "ENOENT" })),
  failing("http-503", "retrying", coded("away", { status: 503 }), { retry }),
  failing("http-429", "retrying", slower),
  failing("http-404", "dead letter", coded("not there", { status: 404 })),
  failing("json", "dead letter", new SyntaxError("Unexpected end of JSON input")),
  failing("ruled", "dead letter", new Error("odd"), { classify: [() => "permanent"] }),
  failing("certain", "dead letter", new Error("who knows"), { retry: { ...retry, retryUnknown: false } }),
  failing("twice", "dead letter", new RetryableError("again"), { retry: { ...soon, maxRetries: 1 } }),
  failing("text", "retrying", "just a text", { retry }),
  {
    durable: "hangs",
    verdict: "retrying",
    by: "longer than 100 ms",
    options: { retry, timeoutMs: 100 },
    handle: () => new Promise(() => undefined),
  },
];
