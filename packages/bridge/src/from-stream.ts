import type { Bus } from "@adaos/client";
import { MeshError } from "@adaos/core";
import { delay, messageOf } from "@adaos/core/wire";
import { AckPolicy, type ConsumerMessages, type JsMsg, NatsError, RetentionPolicy } from "nats";
import { type ForeignServer, headersOf, streamOf, toHeaders } from "./foreign-server.ts";
import {
  attemptsAfter,
  type BridgeInOptions,
  type BridgeRun,
  MAX_ATTEMPTS,
  MAX_PATIENT_ATTEMPTS,
  publishForeign,
  RETRY_MS,
  refusedHeaders,
} from "./into-mesh.ts";

/** Without a sign of progress for so long, the server may deliver the message to another process. */
const ACK_WAIT_MS = 10_000;
const CONSUME = { max_messages: 64, abort_on_missing_resource: true };

/** Publishes the messages of a stream in order, each when the one before it is settled. */
export async function fromStream(
  bus: Pick<Bus, "publish">,
  foreign: ForeignServer,
  stream: string,
  options: BridgeInOptions,
): Promise<BridgeRun> {
  const { subject, durable, say } = options;
  await assertKept(foreign, stream, options);
  let messages = await openDurable(foreign, stream, options);
  say(
    `taking ${subject} from the stream ${stream}, durable ${durable}: at least once, repetitions are known by their ids`,
  );
  const stopped = new AbortController();
  const { signal } = stopped;
  const run = async (): Promise<void> => {
    let stuck: MeshError | undefined;
    while (!signal.aborted) {
      try {
        for await (const msg of messages) {
          stuck = await settle(bus, foreign, msg, options, signal);
          if (stuck !== undefined || signal.aborted) break;
        }
      } catch (thrown) {
        say(`interrupted: ${messageOf(thrown)}`);
      }
      if (stuck !== undefined) throw stuck;
      if (!signal.aborted) messages = await openAgain(foreign, stream, durable, signal);
    }
  };
  const ended = run();
  return {
    ended,
    stop: async () => {
      stopped.abort();
      await messages.close();
      await ended.catch(() => undefined);
    },
  };
}

/** Rejects with `usage` where no stream would store messages that the mesh refuses. */
async function assertKept(
  foreign: ForeignServer,
  stream: string,
  { refused }: BridgeInOptions,
): Promise<void> {
  const { manager } = foreign;
  if (manager === undefined) throw new MeshError("internal", "a stream without JetStream");
  const { config } = await manager.streams.info(stream);
  if (config.retention !== RetentionPolicy.Limits && refused === undefined)
    throw new MeshError(
      "usage",
      `the stream ${stream} forgets what is ended; name a subject for what the mesh refuses: --refused SUBJECT`,
    );
  if (refused !== undefined && (await streamOf(foreign, refused)) === undefined)
    throw new MeshError(
      "usage",
      `no stream of the server holds --refused ${refused}; make one, or what is refused would be lost`,
    );
}

/** Messages of the durable, which is created if missing. Ends when it is deleted. */
async function openDurable(
  { js, manager }: ForeignServer,
  stream: string,
  { subject, durable }: BridgeInOptions,
): Promise<ConsumerMessages> {
  try {
    await manager?.consumers.add(stream, {
      durable_name: durable,
      filter_subject: subject,
      ack_policy: AckPolicy.Explicit,
      ack_wait: ACK_WAIT_MS * 1_000_000,
      // Keeps order: with several in flight, a redelivered message would come after later ones.
      max_ack_pending: 1,
    });
    const consumer = await js.consumers.get(stream, durable);
    return await consumer.consume(CONSUME);
  } catch (cause) {
    throw MeshError.from(
      cause,
      "invalid-config",
      `no durable ${durable} for ${subject} at the stream ${stream}`,
    );
  }
}

/**
 * Waits for a server that does not answer. Rejects where the server reports that the durable is gone: the bridge
 * would silently do nothing.
 */
async function openAgain(
  { js }: ForeignServer,
  stream: string,
  durable: string,
  signal: AbortSignal,
): Promise<ConsumerMessages> {
  for (;;) {
    try {
      const consumer = await js.consumers.get(stream, durable);
      return await consumer.consume(CONSUME);
    } catch (cause) {
      const isGone = cause instanceof NatsError && cause.api_error?.code === 404;
      if (isGone || signal.aborted)
        throw new MeshError("unavailable", `the durable ${durable} of the stream ${stream} is gone`, {
          cause,
        });
      await delay(RETRY_MS, signal);
    }
  }
}

/**
 * Publishes a message, repeating it in its place while that may help, or refuses it. The message is returned
 * untouched on a stop.
 * @returns The reason why the message stays unsettled: then no later message may go on.
 */
export async function settle(
  bus: Pick<Bus, "publish">,
  foreign: Pick<ForeignServer, "js" | "nc">,
  msg: JsMsg,
  options: BridgeInOptions,
  signal: AbortSignal,
): Promise<MeshError | undefined> {
  const where = `${msg.info.stream} ${msg.seq}`;
  const heartbeat = setInterval(() => {
    if (!foreign.nc.isClosed()) msg.working();
  }, ACK_WAIT_MS / 4);
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        await publishForeign(bus, { headers: headersOf(msg.headers), body: msg.data }, options.types);
        msg.ack();
        return undefined;
      } catch (thrown) {
        const why = messageOf(thrown);
        const attempts = attemptsAfter(thrown);
        if (attempt >= attempts) {
          // The message may be at fault or not: stored elsewhere, it can be examined and is not lost.
          const mayRefuse = attempts === 1 || (attempts === MAX_ATTEMPTS && options.refused !== undefined);
          if (mayRefuse) return await refuse(foreign, msg, thrown, options, signal);
          return stuckAt(where, thrown);
        }
        if (attempt === 1) options.say(`not yet ${where}: ${why}`);
        await delay(RETRY_MS, signal);
        if (!signal.aborted) continue;
        msg.nak();
        return undefined;
      }
    }
  } finally {
    clearInterval(heartbeat);
  }
}

/** Settles a message, after storing it elsewhere if requested. */
async function refuse(
  { js }: Pick<ForeignServer, "js">,
  msg: JsMsg,
  thrown: unknown,
  { refused, say }: BridgeInOptions,
  signal: AbortSignal,
): Promise<MeshError | undefined> {
  const where = `${msg.info.stream} ${msg.seq}`;
  const headers = toHeaders(refusedHeaders({ headers: headersOf(msg.headers), body: msg.data }, thrown));
  for (let attempt = 1; refused !== undefined; attempt++) {
    try {
      await js.publish(refused, msg.data, { headers, msgID: `refused-${where}` });
      break;
    } catch (cause) {
      if (attempt >= MAX_PATIENT_ATTEMPTS) return stuckAt(where, cause);
      if (attempt === 1) say(`not yet ${where}: refused, and not stored in ${refused}: ${messageOf(cause)}`);
      await delay(RETRY_MS, signal);
      if (!signal.aborted) continue;
      msg.nak();
      return undefined;
    }
  }
  const place = refused === undefined ? "still in the stream" : `in ${refused}`;
  say(`refused ${where}: ${messageOf(thrown)}; it is ${place}`);
  msg.term(messageOf(thrown).slice(0, 200));
  return undefined;
}

function stuckAt(where: string, cause: unknown): MeshError {
  const why = `${where} is neither published nor refused, and all after it waits`;
  return new MeshError("unavailable", `${why}: ${messageOf(cause)}`, { cause });
}
