import { MAX_PAYLOAD_BYTES } from "@adaos/core/wire";
import { type MsgArg, Parser } from "nats/lib/nats-base-client/parser.js";
import { ProtocolHandler } from "nats/lib/nats-base-client/protocol.js";

/** The most that a nats-server should allow, by its own warning. */
export const MAX_MESSAGE_BYTES = 67_108_864;

/**
 * Bounds what a server of somebody else can do to this process (nats 2.29.3).
 *
 * A server may tell a largest message at any time. The library then throws at each publish of a longer one, also where
 * nobody can catch it, and the process ends: a server that tells 1 byte ends it again and again. A server that
 * announces a message of gigabytes has the library keep all of it.
 */
export function boundServers(): void {
  const { processInfo } = ProtocolHandler.prototype;
  ProtocolHandler.prototype.processInfo = function (this: ProtocolHandler, bytes: Uint8Array): void {
    processInfo.call(this, bytes);
    // A server that really takes less refuses a message, which is an error of that message alone.
    if (!((this.info?.max_payload ?? 0) >= MAX_PAYLOAD_BYTES))
      this.info = { ...this.info, max_payload: MAX_PAYLOAD_BYTES } as NonNullable<ProtocolHandler["info"]>;
  };

  const { processMsgArgs } = Parser.prototype;
  Parser.prototype.processMsgArgs = function (this: Parser, args: Uint8Array): void {
    processMsgArgs.call(this, args);
    const { size }: MsgArg = this.ma;
    if (size <= MAX_MESSAGE_BYTES) return;
    throw new Error(`the server announces a message of ${size} bytes`);
  };
}
