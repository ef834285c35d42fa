import { MeshError } from "@adaos/core";
import { messageOf, snapshotSubject } from "@adaos/core/wire";
import { createInbox, type Msg, type NatsConnection } from "nats";
import { z } from "zod";
import { fromS2 } from "./s2-frames.ts";
import {
  type SnapshotConfig,
  type SnapshotState,
  snapshotConfigSchema,
  snapshotStateSchema,
} from "./snapshot-state.ts";

const CHUNK_BYTES = 262_144;
/** Sent and not yet acknowledged: the memory that a snapshot takes here. */
const WINDOW_BYTES = 4_194_304;
/** A server that sends nothing for so long hangs. */
const SILENCE_MS = 20_000;

const answerSchema = z.object({
  error: z.object({ description: z.string() }).optional(),
  config: snapshotConfigSchema.optional(),
  state: snapshotStateSchema.optional(),
});

/** A stream as it stood at one moment, in the server's own words, decrypted. */
export interface StreamSnapshot {
  readonly config: SnapshotConfig;
  readonly state: SnapshotState;
  /** To be read in order, to the end. Rejects with `unavailable`. */
  content(): AsyncGenerator<Buffer>;
  /** To be called in any case: the server waits for whoever reads. */
  close(): void;
}

/**
 * Begins a snapshot. Publishers and handlers go on meanwhile. Rejects with `unavailable`, or `timeout`.
 * @param consumers Whether its consumers come with it, before its messages.
 */
export async function takeSnapshot(
  nc: NatsConnection,
  stream: string,
  consumers: boolean,
): Promise<StreamSnapshot> {
  const chunks = new Chunks(nc, stream);
  try {
    const { error, config, state } = await askSnapshot(nc, stream, chunks.subject, consumers);
    if (error !== undefined || config === undefined || state === undefined)
      throw new MeshError(
        "unavailable",
        `the server takes no snapshot of ${stream}: ${error?.description ?? "its answer lacks the stream"}`,
      );
    return { config, state, content: () => contentOf(stream, chunks), close: () => chunks.close() };
  } catch (thrown) {
    chunks.close();
    throw thrown;
  }
}

async function* contentOf(stream: string, chunks: Chunks): AsyncGenerator<Buffer> {
  try {
    yield* fromS2(chunks.read());
  } catch (cause) {
    throw MeshError.from(cause, "unavailable", `the snapshot of ${stream} cannot be read`);
  }
}

async function askSnapshot(
  nc: NatsConnection,
  stream: string,
  deliver: string,
  consumers: boolean,
): Promise<z.infer<typeof answerSchema>> {
  const asked = {
    deliver_subject: deliver,
    no_consumers: !consumers,
    chunk_size: CHUNK_BYTES,
    window_size: WINDOW_BYTES,
  };
  try {
    const answer = await nc.request(snapshotSubject(stream), JSON.stringify(asked), { timeout: SILENCE_MS });
    return answerSchema.parse(answer.json());
  } catch (cause) {
    throw new MeshError("timeout", `the server does not answer for ${stream}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** The chunks of one snapshot. Each is acknowledged once it was taken, so that few wait here. */
class Chunks {
  readonly subject: string = createInbox();
  readonly #stream: string;
  readonly #waiting: Msg[] = [];
  readonly #close: () => void;
  #wake: (() => void) | undefined;
  #failure: unknown;

  constructor(nc: NatsConnection, stream: string) {
    this.#stream = stream;
    const subscription = nc.subscribe(this.subject, {
      callback: (error, msg) => {
        if (error === null) this.#waiting.push(msg);
        else this.#failure ??= error;
        this.#wake?.();
      },
    });
    this.#close = () => subscription.unsubscribe();
  }

  close(): void {
    this.#close();
  }

  async *read(): AsyncGenerator<Buffer> {
    for (;;) {
      const msg = await this.#next();
      const status = msg.headers?.code ?? 0;
      if (msg.data.length === 0) {
        if (status === 0 || status === 204) return;
        throw new MeshError(
          "unavailable",
          `the server has given up the snapshot of ${this.#stream}: ${msg.headers?.description ?? status}`,
        );
      }
      yield Buffer.from(msg.data.buffer, msg.data.byteOffset, msg.data.length);
      msg.respond();
    }
  }

  async #next(): Promise<Msg> {
    const untilMs = performance.now() + SILENCE_MS;
    for (;;) {
      const msg = this.#waiting.shift();
      if (msg !== undefined) return msg;
      if (this.#failure !== undefined) throw this.#failure;
      const leftMs = untilMs - performance.now();
      if (leftMs <= 0)
        throw new MeshError("timeout", `the server sends no more of ${this.#stream} since ${SILENCE_MS} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
  }
}
