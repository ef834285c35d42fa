import type { MeshError } from "@adaos/core";
import { MAX_PAYLOAD_BYTES, messageOf } from "@adaos/core/wire";
import type { ConnectionOptions as DialOptions } from "nats";
import { type MsgArg, Parser } from "nats/lib/nats-base-client/parser.js";
import { ProtocolHandler } from "nats/lib/nats-base-client/protocol.js";
import { NodeTransport } from "nats/lib/src/node_transport.js";
import { excerpt, isServerFault, serverFault } from "./server-faults.ts";

/** The most that a nats-server should allow, by its own warning. */
export const MAX_MESSAGE_BYTES = 67_108_864;
/** Longest line of a server. Its own are below 4,096 bytes, but for the INFO of a cluster with many addresses. */
export const MAX_LINE_BYTES = 65_536;
/** Answers to pings that a server has not read. It sends a ping every few seconds. */
export const MAX_UNREAD_PONGS = 1000;
/** What a server may leave unread in all: more than all publishers of a process hold at a time. */
export const MAX_UNREAD_BYTES = 268_435_456;

/** Options of the client library, and one of ours that travels with them. */
export interface BoundedDialOptions extends DialOptions {
  /** Called before a connection is closed for what the server sent. */
  readonly onFault?: (error: Error) => void;
}

/**
 * Bounds what a server of somebody else can do to this process (nats 2.29.3). A server that exceeds a bound, or breaks
 * the protocol, has its connection closed at once.
 *
 * A server may tell a largest message at any time. The library then throws at each publish of a longer one, also where
 * nobody can catch it, and the process ends: a server that tells 1 byte ends it again and again. A server that
 * announces a message of gigabytes has the library keep all of it.
 *
 * The library keeps a line until it ends, and answers each ping whether or not the server reads the answers. After a
 * line that it cannot parse it stops to parse, and goes on to read and keep: for 15 s, until its own ping has no
 * answer. It also writes the line to stdout.
 *
 * What comes behind the INFO before TLS, the library takes for something that came by TLS. Anyone on the way could so
 * put in messages.
 */
export function boundServers(): void {
  boundInfo();
  boundMessages();
  boundFirstLine();
  boundUnread();
  closeAtFaults();
}

function boundInfo(): void {
  const { processInfo } = ProtocolHandler.prototype;
  ProtocolHandler.prototype.processInfo = function (this: ProtocolHandler, bytes: Uint8Array): void {
    try {
      processInfo.call(this, bytes);
    } catch (thrown) {
      throw serverFault(`sends an INFO that cannot be read (${excerpt(thrown)})`);
    }
    // A server that really takes less refuses a message, which is an error of that message alone.
    if (!((this.info?.max_payload ?? 0) >= MAX_PAYLOAD_BYTES))
      this.info = { ...this.info, max_payload: MAX_PAYLOAD_BYTES } as NonNullable<ProtocolHandler["info"]>;
  };
}

function boundMessages(): void {
  const { processMsgArgs } = Parser.prototype;
  Parser.prototype.processMsgArgs = function (this: Parser, args: Uint8Array): void {
    processMsgArgs.call(this, args);
    const { size }: MsgArg = this.ma;
    if (size <= MAX_MESSAGE_BYTES) return;
    throw serverFault(`announces a message of ${size} bytes`);
  };
  Parser.prototype.fail = (data: Uint8Array): Error =>
    serverFault(
      `sends what is no protocol line ("${excerpt(new TextDecoder().decode(data.subarray(0, 200)))}")`,
    );
}

const lineTooLong = (): MeshError => serverFault(`sends a line of more than ${MAX_LINE_BYTES} bytes`);

/** Bounds what comes before TLS. */
function boundFirstLine(): void {
  const { peekInfo } = NodeTransport.prototype;
  NodeTransport.prototype.peekInfo = async function (this: NodeTransport): ReturnType<typeof peekInfo> {
    const { socket } = this;
    const peeking = peekInfo.call(this);
    let bytes = 0;
    // The library's own listener reads first, and removes all listeners when the line has ended: nobody would hear the
    // error then, which would end this process.
    socket.on("data", (frame: Uint8Array) => {
      bytes += frame.length;
      if (bytes > MAX_LINE_BYTES && socket.listenerCount("error") > 0) socket.destroy(lineTooLong());
    });
    try {
      const info = await peeking;
      const sent = Buffer.concat(this.yields);
      const end = sent.indexOf("\r\n") + 2;
      if (end > MAX_LINE_BYTES) throw lineTooLong();
      if ((info.tls_required === true || info.tls_available === true) && sent.length > end)
        throw beforeTls(sent.subarray(end));
      return info;
    } catch (thrown) {
      const fault = faultOfInfo(thrown);
      if (isServerFault(fault)) tell(this.options, fault as Error);
      throw fault;
    }
  };
}

/** A server that takes no more connections says so in clear: that is no lie, and nobody believes it either. */
function beforeTls(sent: Uint8Array): Error {
  const text = excerpt(new TextDecoder().decode(sent));
  if (text.startsWith("-ERR '")) return new Error(`the server refuses the connection: ${text}`);
  return serverFault("sends something between its INFO and TLS");
}

/** The library throws these for a first line that is no INFO. */
function faultOfInfo(thrown: unknown): unknown {
  const isUnread = thrown instanceof SyntaxError || messageOf(thrown) === "unexpected response from server";
  return isUnread ? serverFault(`does not begin with an INFO (${excerpt(thrown)})`) : thrown;
}

/** Bounds what waits in this process until the server reads it. */
function boundUnread(): void {
  const unreadPongs = new WeakMap<object, number>();
  const { processPing } = ProtocolHandler.prototype;
  ProtocolHandler.prototype.processPing = function (this: ProtocolHandler): void {
    const { transport } = this;
    if (!(transport instanceof NodeTransport)) return processPing.call(this);
    const unread = (unreadPongs.get(transport) ?? 0) + 1;
    if (unread > MAX_UNREAD_PONGS) throw serverFault("sends pings and does not read the answers");
    unreadPongs.set(transport, unread);
    const read = (): unknown => unreadPongs.set(transport, (unreadPongs.get(transport) ?? 1) - 1);
    transport._send(PONG).then(read, read);
  };

  const { _send } = NodeTransport.prototype;
  NodeTransport.prototype._send = function (this: NodeTransport, frame: Uint8Array): Promise<void> {
    if (this.socket?.writableLength > MAX_UNREAD_BYTES && !this.socket.destroyed) {
      const fault = serverFault("reads nothing of what is sent to it");
      tell(this.options, fault);
      this.socket.destroy();
    }
    return _send.call(this, frame);
  };
}

const PONG = new TextEncoder().encode("PONG\r\n");
/** No state of the library's parser: with it, it takes nothing more. */
const ENDED = -1 as Parser["state"];

function closeAtFaults(): void {
  const { parse } = Parser.prototype;
  const ended = new WeakSet<Parser>();
  Parser.prototype.parse = function (this: Parser, bytes: Uint8Array): void {
    try {
      parse.call(this, bytes);
      // Of a message that is arriving, this is a copy of the line that announced it.
      if (this.argBuf !== undefined && this.argBuf.length > MAX_LINE_BYTES) throw lineTooLong();
    } catch (thrown) {
      if (ended.has(this)) return;
      ended.add(this);
      this.state = ENDED;
      const handler = this.dispatcher as unknown as Partial<ProtocolHandler>;
      // A parser of its own, without a connection.
      if (handler.transport === undefined) throw thrown;
      closeFor(handler as ProtocolHandler, thrown);
    }
  };
}

/** Closes a connection on which nothing more can be read. The library then dials again. */
function closeFor(handler: ProtocolHandler, thrown: unknown): void {
  const error = thrown instanceof Error ? thrown : new Error(excerpt(thrown));
  tell(handler.options, error);
  // An attempt to connect ends now, and not with its time.
  handler.connectError?.(error);
  // Not the transport's close(): within the answer that makes a connection, the library would lose sight of it. And
  // without the error: of an attempt that has ended, nobody listens any more, and an unheard error ends the process.
  if (handler.transport instanceof NodeTransport) handler.transport.socket?.destroy();
}

function tell({ onFault }: BoundedDialOptions, error: Error): void {
  onFault?.(error);
}
