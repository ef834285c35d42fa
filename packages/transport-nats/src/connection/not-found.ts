import { NatsError } from "nats";

/** nats-server's codes for what is not there. */
const CODES = { stream: 10059, consumer: 10014 } as const;

/** Whether the server has said that the stream, or the consumer, is not there. */
export function isNotFound(what: keyof typeof CODES, thrown: unknown): boolean {
  return thrown instanceof NatsError && thrown.api_error?.err_code === CODES[what];
}

/**
 * What a request about a stream or a consumer brings; nothing where that is not there. Rejects with any other failure.
 */
export async function ifThere<T>(what: keyof typeof CODES, request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (thrown) {
    if (isNotFound(what, thrown)) return undefined;
    throw thrown;
  }
}
