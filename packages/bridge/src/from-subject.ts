import type { Bus } from "@adaos/client";
import { delay, messageOf, within } from "@adaos/core/wire";
import { BoundedQueue } from "./bounded-queue.ts";
import { type ForeignServer, headersOf, toHeaders } from "./foreign-server.ts";
import {
  attemptsAfter,
  type BridgeInOptions,
  type BridgeRun,
  type ForeignMessage,
  MAX_ATTEMPTS,
  publishForeign,
  RETRY_MS,
  refusedHeaders,
} from "./into-mesh.ts";

/** Limit of messages that wait in memory for the mesh. */
const MAX_WAITING = 1000;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** Losses within this time are told in one line. */
const TELL_MS = 1000;
/** For what is under way when it is to stop. */
const STOP_MS = 5000;

/** Publishes the messages of a subject that no stream stores. Lost messages are reported. */
export async function fromSubject(
  bus: Pick<Bus, "publish">,
  { nc }: Pick<ForeignServer, "nc">,
  { subject, durable, types, refused, say }: BridgeInOptions,
): Promise<BridgeRun> {
  const queue = new BoundedQueue<ForeignMessage>(MAX_WAITING, MAX_WAITING_BYTES);
  const givenUp = new AbortController();
  const losses = new Losses((count) =>
    say(`lost: ${count} of ${subject}, which came faster than the mesh took them or as this stopped`),
  );
  const take = async (message: ForeignMessage): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await publishForeign(bus, message, types);
      } catch (thrown) {
        if (attempt < Math.min(MAX_ATTEMPTS, attemptsAfter(thrown)) && !givenUp.signal.aborted) {
          await delay(RETRY_MS, givenUp.signal);
          continue;
        }
        if (refused !== undefined)
          nc.publish(refused, message.body, { headers: toHeaders(refusedHeaders(message, thrown)) });
        return say(`${refused === undefined ? "lost" : `refused to ${refused}`}: ${messageOf(thrown)}`);
      }
    }
  };
  const run = async (): Promise<void> => {
    for await (const message of queue) await take(message);
  };
  // The library's own message queue has no limit.
  const subscription = nc.subscribe(subject, {
    queue: durable,
    callback: (error, msg) => {
      if (error !== null) return say(`interrupted: ${error.message}`);
      const message = { headers: headersOf(msg.headers), body: msg.data };
      if (!queue.add(message, message.body.length)) losses.add(1);
    },
  });
  await nc.flush();
  const ended = run();
  const done = ended.catch(() => undefined);
  return {
    ended,
    stop: async () => {
      // A server that is away never reports the end of a drain.
      const drained = subscription.drain().catch(() => undefined);
      const finished = drained.then(() => queue.end()).then(() => done);
      await within(finished, STOP_MS);
      givenUp.abort();
      queue.end();
      losses.add(queue.clear());
      losses.tell();
      await done;
    },
  };
}

/** Counts lost messages, and reports them some time after the first. */
class Losses {
  readonly #say: (count: number) => void;
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(say: (count: number) => void) {
    this.#say = say;
  }

  add(count: number): void {
    if (count === 0) return;
    this.#count += count;
    this.#timer ??= setTimeout(() => this.tell(), TELL_MS);
  }

  tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#count > 0) this.#say(this.#count);
    this.#count = 0;
  }
}
