import { ErrorCode, NatsError } from "nats";

/** nats-server's error codes for a missing stream or consumer. */
const CODES = { stream: 10059, consumer: 10014 } as const;

/** Whether the server has said that the stream, or the consumer, does not exist. */
export function isNotFound(what: keyof typeof CODES, thrown: unknown): boolean {
  return thrown instanceof NatsError && thrown.api_error?.err_code === CODES[what];
}

/** nats-server's error codes while a cluster, or a stream in it, has no leader or too few servers. */
const LEADERLESS: ReadonlySet<number | undefined> = new Set([10_004, 10_005, 10_008, 10_009, 10_118, 10_119]);

/** Whether a request may succeed later, unchanged: no server has answered, or a cluster has just no leader. */
export function isPassing(thrown: unknown): boolean {
  if (!(thrown instanceof NatsError)) return false;
  if (thrown.api_error !== undefined) return LEADERLESS.has(thrown.api_error.err_code);
  return thrown.code === ErrorCode.Timeout || thrown.code === ErrorCode.NoResponders;
}

/**
 * The result of a request about a stream or a consumer; undefined when that does not exist. Rejects with any other
 * failure.
 */
export async function ifThere<T>(what: keyof typeof CODES, request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (thrown) {
    if (isNotFound(what, thrown)) return undefined;
    throw thrown;
  }
}
