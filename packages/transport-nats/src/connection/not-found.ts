import { NatsError } from "nats";

/** nats-server's error codes for a missing stream or consumer. */
const CODES = { stream: 10059, consumer: 10014 } as const;

/** Whether the server has said that the stream, or the consumer, does not exist. */
export function isNotFound(what: keyof typeof CODES, thrown: unknown): boolean {
  return thrown instanceof NatsError && thrown.api_error?.err_code === CODES[what];
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
