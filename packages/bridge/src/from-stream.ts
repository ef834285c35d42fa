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

/** After this somebody else may have a message that nobody speaks of. */
const ACK_WAIT_MS = 10_000;
const CONSUME = { max_messages: 64, abort_on_missing_resource: true };

/** Publishes what a stream holds, in its order: each message when the one before it is settled. */
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

/** Rejects with `usage` where what the mesh refuses would be kept nowhere. */
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

/** Messages of the durable, which is made where it is not there. Ends when somebody deletes it. */
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
      // Order: with more of them under way, what comes a second time would come after the others.
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
 * Waits for a server that does not answer. Rejects where it says that the durable is gone: in silence it would be no
 * bridge.
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
 * Publishes a message, again and again in its place while that may help, or refuses it. Given back untouched when asked
 * to stop.
 * @returns Why it stays where it is: then nothing after it may go on.
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
          // Whether the message is at fault is not known: kept elsewhere it may be looked at, and is not lost.
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

/** Ends a message, once it is stored elsewhere where that was asked for. */
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
