import fc from "fast-check";
import type { Msg, NatsConnection } from "nats";
import { MsgImpl } from "nats/lib/nats-base-client/msg.js";
import { ProtocolHandler } from "nats/lib/nats-base-client/protocol.js";
import { expect, test } from "vitest";
import { headerBlock, publishRaw, type RawMessage, respondRaw, toSend } from "./raw-publish.ts";

/** A stand-in for a connection's protocol that records what is sent. */
class Recorder {
  readonly info = { headers: true, max_payload: 1_000_000 };
  readonly sent: Uint8Array[] = [];
  commands = 0;
  outBytes = 0;
  outMsgs = 0;

  sendCommand(command: string | Uint8Array, ...payloads: Uint8Array[]): void {
    this.commands++;
    this.sent.push(Buffer.from(command), ...payloads);
  }

  get told() {
    return {
      bytes: Buffer.concat(this.sent).toString("latin1"),
      outBytes: this.outBytes,
      outMsgs: this.outMsgs,
    };
  }
}

const message: fc.Arbitrary<RawMessage> = fc
  .record({
    subject: fc.stringMatching(/^[a-z]{1,9}(\.[a-z]{1,9}){0,3}$/),
    id: fc.stringMatching(/^[ -~]{1,40}$/),
    headers: fc.dictionary(fc.stringMatching(/^[A-Za-z-]{1,9}$/), fc.stringMatching(/^[!-~]{0,20}$/)),
    body: fc.uint8Array({ maxLength: 5000 }),
    reply: fc.option(fc.stringMatching(/^_INBOX\.[a-z0-9]{1,9}$/), { nil: undefined }),
  })
  .map(({ subject, id, headers, body, reply }) => {
    const block = headerBlock(headers, `Nats-Msg-Id: ${id}\r\n`);
    return { subject, headers: block, body, ...(reply === undefined ? {} : { reply }) };
  });

test("publishRaw() sends what the client's own publish sends, message for message, as one command", () => {
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 20 }), (messages) => {
      const [ours, theirs] = [new Recorder(), new Recorder()];
      publishRaw({ protocol: ours } as unknown as NatsConnection, messages);
      for (const { subject, headers, body, reply } of messages) {
        const options = { headers: toSend(headers), ...(reply === undefined ? {} : { reply }) };
        ProtocolHandler.prototype.publish.call(theirs as unknown as ProtocolHandler, subject, body, options);
      }
      expect(ours.told).toEqual(theirs.told);
      expect(ours.commands).toBe(1);
    }),
  );
});

const answer = fc.record({
  reply: fc.stringMatching(/^\$JS\.ACK\.[a-z0-9]{1,9}\.[0-9]{1,19}$/),
  word: fc.stringMatching(/^[ -~]{0,300}$/),
});

/** A message as the client receives it. */
function receivedFrom(publisher: Pick<ProtocolHandler, "publish">, reply: string | undefined): Msg {
  const info = {
    subject: Buffer.from("evt.x"),
    ...(reply === undefined ? {} : { reply: Buffer.from(reply) }),
    sid: 1,
    hdr: -1,
    size: 0,
  };
  return new MsgImpl(info, new Uint8Array(0), publisher) as Msg;
}

test("respondRaw() sends what the client's own respond sends, answer for answer, as one command", () => {
  fc.assert(
    fc.property(fc.array(answer, { minLength: 1, maxLength: 20 }), (answers) => {
      const [ours, theirs] = [new Recorder(), new Recorder()];
      const publisher = {
        publish: (...args: Parameters<ProtocolHandler["publish"]>) =>
          ProtocolHandler.prototype.publish.apply(theirs as unknown as ProtocolHandler, args),
      };
      const received = answers.map(({ reply, word }) => ({ msg: receivedFrom(publisher, reply), word }));
      respondRaw({ protocol: ours } as unknown as NatsConnection, received);
      for (const { msg, word } of received) msg.respond(word);
      expect(ours.told).toEqual(theirs.told);
      expect(ours.commands).toBe(1);
    }),
  );
});

test("respondRaw() leaves to the client what its protocol cannot be asked to send", () => {
  const sent: string[] = [];
  const publisher = { publish: (reply: string) => void sent.push(reply) };
  const messages = ["a", "b"].map((reply) => ({ msg: receivedFrom(publisher, reply), word: "+ACK" }));
  respondRaw({} as NatsConnection, messages);
  expect(sent).toEqual(["a", "b"]);
});
