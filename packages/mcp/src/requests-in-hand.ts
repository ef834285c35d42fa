import { once } from "node:events";
import { MeshError } from "@adaos/core";
import { firstLine, messageOf, within } from "@adaos/core/wire";
import { ErrorCode, McpError } from "@modelcontextprotocol/sdk/types.js";

/** Limit of concurrent requests. */
const MAX_IN_HAND = 64;

/**
 * Takes a limited number of requests at a time, no faster than their answers are read, and returns errors as the
 * protocol defines.
 */
export class RequestsInHand {
  readonly #say: (line: string) => void;
  readonly #inHand = new Set<Promise<unknown>>();

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  /** @param code Code of errors that are the requester's fault. */
  async take<T>(answer: () => Promise<T>, code: number = ErrorCode.InvalidParams): Promise<T> {
    if (this.#inHand.size >= MAX_IN_HAND)
      throw new McpError(ErrorCode.InternalError, `more than ${MAX_IN_HAND} requests at a time; ask later`);
    const answering = this.#answer(answer, code);
    this.#inHand.add(answering);
    try {
      return await answering;
    } finally {
      this.#inHand.delete(answering);
    }
  }

  /** Resolves when no request is open, or after that time. */
  async idle(limitMs: number): Promise<void> {
    await within(Promise.allSettled(this.#inHand), limitMs);
    // The last answer reaches the stream a moment after its promise has settled.
    await new Promise((resolve) => setImmediate(resolve));
  }

  async #answer<T>(answer: () => Promise<T>, code: number): Promise<T> {
    if (process.stdout.writableNeedDrain) await once(process.stdout, "drain");
    try {
      return await answer();
    } catch (thrown) {
      if (thrown instanceof McpError) throw thrown;
      if (thrown instanceof MeshError && thrown.code !== "internal")
        throw new McpError(thrown.code === "invalid-config" ? ErrorCode.InternalError : code, thrown.message);
      this.#say(`this is a bug in adaos: ${firstLine(messageOf(thrown), 500)}`);
      throw new McpError(ErrorCode.InternalError, "this is a bug in adaos; standard error tells more");
    }
  }
}
