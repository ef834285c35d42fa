import type { KeyObject } from "node:crypto";
import type { Envelope } from "../language/envelope.ts";
import { MeshError } from "../language/errors.ts";
import { formatEventRef } from "../language/event-name.ts";
import { publishSpan } from "../measure/tracing.ts";
import type { RateLimits } from "../policy/rate-limits.ts";
import { type PreparedEvent, type Publisher, type PublishOptions, prepareEvent } from "../publish/publish.ts";
import { joined } from "../time/joined.ts";
import type { Message, Transport } from "../transport.ts";
import { type OpenRequest, REPLY_TO, replyContract, replyOrNothing } from "./reply.ts";
import { REPLY_KEY_HEADER, replyKeyOf } from "./reply-proof.ts";

export interface RequestOptions extends PublishOptions {
  /** Longest wait for the reply. 100 to 3600000. @default 10000 */
  readonly timeoutMs?: number;
  /** Ends the wait early. */
  readonly signal?: AbortSignal;
}

/** The requesting node; `publish` and `ask` are the transport's, with counting. */
export interface Requester extends Publisher {
  readonly limits?: RateLimits;
  readonly transport: Transport;
  readonly publish: Transport["publish"];
  readonly ask: Transport["ask"];
  /** Secret from which the keys of its requests are derived. */
  readonly replySecret: KeyObject;
}

/** Publishes a command and waits for the first reply to it. Rejects as `Bus.request` does. */
export async function request(
  publisher: Requester,
  ref: string,
  data: unknown,
  { timeoutMs = 10_000, signal, ...options }: RequestOptions,
  closing: AbortSignal,
): Promise<Envelope> {
  const { subnet, node } = publisher.address;
  const headers = { ...options.headers, [REPLY_TO]: `${subnet}/${node}` };
  const asked = withReplyKey(
    publisher,
    prepareEvent(publisher, ref, data, { ...options, headers }, Date.now()),
  );
  const { envelope, message } = asked;
  const command = formatEventRef(envelope.event_name, envelope.version);
  const mayBeLost = assertAsked(publisher, envelope, options);
  const contract = replyContract(publisher, envelope);
  publisher.limits?.take(envelope.event_name, envelope.version, message.body.length);
  const late = `no reply to ${command} in ${timeoutMs} ms; its handler may still run`;
  // Many requests may share a caller's signal, which would warn of many listeners.
  const wait = new Wait(timeoutMs, late, signal === undefined ? [closing] : [closing, joined([signal])]);
  const span = publishSpan(asked);
  let reply: Envelope | MeshError | undefined;
  const accepts = (answer: Message): boolean => {
    reply = replyOrNothing(publisher, answer, asked, contract);
    return reply !== undefined;
  };
  try {
    const send = mayBeLost ? askNow : publishAndWait;
    await send(publisher, command, { ...message, headers: span.headers }, wait.signal, accepts);
    if (reply === undefined) throw new MeshError("internal", `a reply to ${command} was not checked`);
    if (reply instanceof MeshError) throw reply;
    span.end();
    wait.end();
    return reply;
  } catch (thrown) {
    span.end(thrown);
    wait.end();
    // The listener for the reply is not needed any more.
    wait.abort(thrown);
    throw thrown;
  }
}

/**
 * The wait of a request: for a time, and until one of these signals aborts. Joining the signals anew for each
 * request costs more than listening to them (Node 20).
 */
class Wait {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #signals: readonly AbortSignal[];
  readonly #onAbort = ({ target }: Event): void => this.abort((target as AbortSignal).reason);

  constructor(timeoutMs: number, late: string, signals: readonly AbortSignal[]) {
    this.#signals = signals;
    this.#timer = setTimeout(() => this.abort(new MeshError("timeout", late)), timeoutMs);
    for (const signal of signals) {
      signal.addEventListener("abort", this.#onAbort, { once: true });
      if (signal.aborted) this.abort(signal.reason);
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /** Ends the wait. */
  end(): void {
    clearTimeout(this.#timer);
    for (const signal of this.#signals) signal.removeEventListener("abort", this.#onAbort);
  }
}

/**
 * Whether the command may be lost, by the registry. Throws `usage` unless it is a command. Throws `usage` too for an
 * at-most-once command with an idempotency key, which no handler would remember.
 */
function assertAsked(
  { registry }: Publisher,
  { event_name: name, version, kind }: Envelope,
  { idempotencyKey }: PublishOptions,
): boolean {
  const command = formatEventRef(name, version);
  if (kind !== "command") {
    throw new MeshError("usage", `${command} is of the kind ${kind}; only a command is answered, publish it`);
  }
  const mayBeLost = registry.resolve(name, version).delivery === "at-most-once";
  if (mayBeLost && idempotencyKey !== undefined) {
    throw new MeshError(
      "usage",
      `${command} is delivered at most once, and nobody remembers its idempotencyKey; leave that out`,
    );
  }
  return mayBeLost;
}

type Send = (
  publisher: Requester,
  command: string,
  message: Message,
  end: AbortSignal,
  accepts: (reply: Message) => boolean,
) => Promise<Message>;

/** Publishes the command through a stream, so that its handler runs even if it is late. */
const publishAndWait: Send = async ({ transport, publish }, command, message, end, accepts) => {
  if ((await transport.handlersOf(message.subject)) === "none") {
    throw new MeshError(
      "no-handler",
      `nobody handles ${command}: no node has a durable for it; nothing was sent`,
    );
  }
  // Listens before it sends: a reply may be quicker than the receipt.
  const reply = transport.awaitReply(message.id, end, accepts);
  const sent = publish(message, { onlyNow: true });
  // A refusal of the server rejects at once; after a receipt only the reply is awaited.
  return Promise.race([reply, sent.then(() => reply)]);
};

/**
 * Sends the command to handlers that listen now. Without one in the subnet it may cross the root, which stores it.
 */
const askNow: Send = async (publisher, command, message, end, accepts) => {
  try {
    return await publisher.ask(message, end, accepts);
  } catch (thrown) {
    if (!(thrown instanceof MeshError) || thrown.code !== "no-handler") throw thrown;
    if ((await publisher.transport.handlersOf(message.subject)) === "unknown") {
      return publishAndWait(publisher, command, message, end, accepts);
    }
    throw new MeshError(
      "no-handler",
      `no handler of ${command} is listening: it is delivered at most once, and was not kept`,
      { cause: thrown },
    );
  }
};

function withReplyKey(
  { replySecret }: Requester,
  { envelope, message }: PreparedEvent,
): PreparedEvent & OpenRequest {
  const key = replyKeyOf(replySecret, envelope.event_id);
  return { envelope, message: { ...message, headers: { ...message.headers, [REPLY_KEY_HEADER]: key } }, key };
}
