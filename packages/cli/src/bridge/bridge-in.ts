import { setTimeout as delay } from "node:timers/promises";
import {
  classify,
  decodeCloudEvent,
  formatEventRef,
  fromCloudEvent,
  MeshError,
  messageOf,
  type TypeMap,
} from "@adaos/core";
import type { Bus } from "@adaos/member";
import { AckPolicy, type ConsumerMessages, type JsMsg, NatsError, RetentionPolicy } from "nats";
import { type ForeignServer, headersOf, streamOf, toHeaders } from "./foreign-server.ts";

export interface BridgeInOptions {
  readonly subject: string;
  readonly durable: string;
  readonly types: TypeMap;
  /** Where on the foreign server goes what the mesh refuses, byte for byte. */
  readonly refused: string | undefined;
  /** Tells what somebody should know. */
  readonly say: (line: string) => void;
}

/** A part of the bridge that runs. */
export interface BridgeRun {
  /** Rejects when it cannot go on. */
  readonly ended: Promise<void>;
  /** What is under way is finished. */
  stop(): Promise<void>;
}

interface ForeignMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const ACK_WAIT_MS = 30_000;
const RETRY_MS = 2000;
const CONSUME = { max_messages: 64, abort_on_missing_resource: true };
/** Without a stream nobody else keeps what is tried again. */
const MAX_ATTEMPTS = 5;

/**
 * Publishes what comes on a subject of a foreign server into the mesh, one after the other. Where a stream holds it, by a
 * durable of that stream, acknowledged once the mesh (or this member's outbox) has stored it; else at most once.
 */
export async function bridgeIn(
  bus: Bus,
  foreign: ForeignServer,
  options: BridgeInOptions,
): Promise<BridgeRun> {
  const stream = await streamOf(foreign, options.subject);
  if (stream !== undefined) return fromStream(bus, foreign, stream, options);
  options.say(
    `no stream of the server holds ${options.subject}: at most once, what is sent while this does not run is lost`,
  );
  return fromSubject(bus, foreign, options);
}

async function fromStream(
  bus: Bus,
  foreign: ForeignServer,
  stream: string,
  options: BridgeInOptions,
): Promise<BridgeRun> {
  const { subject, durable, refused, say } = options;
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
  let messages = await openDurable(foreign, stream, options);
  say(
    `taking ${subject} from the stream ${stream}, durable ${durable}: at least once, repetitions are known by their ids`,
  );
  let stopped = false;
  const run = async (): Promise<void> => {
    while (!stopped) {
      try {
        for await (const msg of messages) await settle(bus, foreign, msg, options);
      } catch (thrown) {
        say(`interrupted: ${messageOf(thrown)}`);
      }
      if (!stopped) messages = await openAgain(foreign, stream, durable, () => stopped);
    }
  };
  const ended = run();
  return {
    ended,
    stop: async () => {
      stopped = true;
      await messages.close();
      await ended.catch(() => undefined);
    },
  };
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
      max_ack_pending: 256,
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

/** Waits for a server that does not answer. Rejects where it says that the durable is gone: in silence it would be no bridge. */
async function openAgain(
  { js }: ForeignServer,
  stream: string,
  durable: string,
  isStopped: () => boolean,
): Promise<ConsumerMessages> {
  for (;;) {
    try {
      const consumer = await js.consumers.get(stream, durable);
      return await consumer.consume(CONSUME);
    } catch (cause) {
      const isGone = cause instanceof NatsError && cause.api_error?.code === 404;
      if (isGone || isStopped())
        throw new MeshError("unavailable", `the durable ${durable} of the stream ${stream} is gone`, {
          cause,
        });
      await delay(RETRY_MS);
    }
  }
}

async function settle(
  bus: Bus,
  foreign: ForeignServer,
  msg: JsMsg,
  { types, refused, say }: BridgeInOptions,
): Promise<void> {
  const message = { headers: headersOf(msg.headers), body: msg.data };
  const where = `${msg.info.stream} ${msg.seq}`;
  try {
    await publish(bus, message, types);
    msg.ack();
  } catch (thrown) {
    if (isTransient(thrown)) {
      say(`not yet ${where}: ${messageOf(thrown)}`);
      return msg.nak(RETRY_MS);
    }
    try {
      if (refused !== undefined)
        await foreign.js.publish(refused, message.body, {
          headers: toHeaders(refusedHeaders(message, thrown)),
          msgID: `refused-${where}`,
        });
    } catch (cause) {
      say(`not yet ${where}: refused, and not stored in ${refused}: ${messageOf(cause)}`);
      return msg.nak(RETRY_MS);
    }
    say(
      `refused ${where}: ${messageOf(thrown)}; it is ${refused === undefined ? "still in the stream" : `in ${refused}`}`,
    );
    msg.term(messageOf(thrown).slice(0, 200));
  }
}

async function fromSubject(bus: Bus, { nc }: ForeignServer, options: BridgeInOptions): Promise<BridgeRun> {
  const { subject, durable, types, refused, say } = options;
  const subscription = nc.subscribe(subject, { queue: durable });
  await nc.flush();
  const take = async (message: ForeignMessage): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      try {
        await publish(bus, message, types);
        return;
      } catch (thrown) {
        if (isTransient(thrown) && attempt < MAX_ATTEMPTS) {
          await delay(RETRY_MS);
          continue;
        }
        if (refused !== undefined)
          nc.publish(refused, message.body, { headers: toHeaders(refusedHeaders(message, thrown)) });
        say(`${refused === undefined ? "lost" : `refused to ${refused}`}: ${messageOf(thrown)}`);
        return;
      }
    }
  };
  const run = async (): Promise<void> => {
    for await (const msg of subscription) await take({ headers: headersOf(msg.headers), body: msg.data });
  };
  const ended = run();
  return {
    ended,
    stop: async () => {
      await subscription.drain();
      await ended.catch(() => undefined);
    },
  };
}

/** By the same way as any event of the member: its rights, the contract, its outbox. */
async function publish(bus: Bus, message: ForeignMessage, types: TypeMap): Promise<void> {
  const { event_id, event_name, version, correlation_id, causation_id, headers, data } = fromCloudEvent(
    decodeCloudEvent(message),
    types,
  );
  await bus.publish(formatEventRef(event_name, version), data, {
    eventId: event_id,
    correlationId: correlation_id,
    ...(causation_id === undefined ? {} : { causationId: causation_id }),
    headers,
  });
}

function isTransient(thrown: unknown): boolean {
  return !(thrown instanceof MeshError) || classify(thrown).category === "transient";
}

function refusedHeaders({ headers }: ForeignMessage, thrown: unknown): Record<string, string> {
  const why = messageOf(thrown)
    .slice(0, 1000)
    .replaceAll(/[^ -~]/g, "?");
  const kept = Object.entries(headers).filter(([name]) => !/^nats-/i.test(name));
  return { ...Object.fromEntries(kept), "Adaos-Refused": why };
}
