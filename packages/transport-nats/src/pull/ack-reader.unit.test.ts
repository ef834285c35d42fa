import fc from "fast-check";
import type { Msg } from "nats";
import { MsgImpl } from "nats/lib/nats-base-client/msg.js";
import { describe, expect, test } from "vitest";
import { AckReader } from "./ack-reader.ts";
import { type AckSubject, parseAckSubject } from "./ack-subject.ts";

function deliveredWith(reply: string): Msg {
  const [subject, bytes] = [new TextEncoder().encode("evt.x"), new TextEncoder().encode(reply)];
  const info = { subject, reply: bytes, sid: 1, hdr: -1, size: 0 };
  return new MsgImpl(info, new Uint8Array(0), { publish: () => undefined }) as Msg;
}

function told(at: AckSubject | undefined): object | undefined {
  if (at === undefined) return undefined;
  const { source, seq, consumerSeq, deliveryCount, storedMs } = at;
  return { source, seq, consumerSeq, deliveryCount, storedMs };
}

const source = fc.constantFrom("EVENTS_alpha.root", "EVENTS_alpha.root-2", "alpha.ACC.EVENTS_alpha.root");
const token = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 100_000 }).map(String) },
  { weight: 4, arbitrary: fc.bigInt(1_500_000_000_000_000_000n, 2_000_000_000_000_000_000n).map(String) },
  fc.constantFrom("", "-1", "1e3", "0x1", "007", "9007199254740993", "99999999999999999999", "x", "1 "),
);
const subject = fc
  .tuple(source, fc.array(token, { minLength: 4, maxLength: 7 }))
  .map(([from, tokens]) => ["$JS.ACK", from, ...tokens].join("."));
const delivery = fc
  .tuple(
    source,
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 1, max: 1e9 }),
    fc.integer({ min: 1, max: 1e9 }),
    fc.integer({ min: 1_500_000_000_000, max: 2_000_000_000_000 }),
  )
  .map(
    ([from, count, seq, consumerSeq, ms]) => `$JS.ACK.${from}.${count}.${seq}.${consumerSeq}.${ms}000000.5`,
  );

describe("AckReader", () => {
  test("reads every subject as parseAckSubject() does, whatever it has read before", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(delivery, subject), { maxLength: 20 }), (replies) => {
        const reader = new AckReader();
        for (const reply of replies) {
          const [found, wanted] = [told(reader.read(deliveredWith(reply))), told(parseAckSubject(reply))];
          expect(found).toEqual(
            wanted === undefined
              ? undefined
              : { ...wanted, storedMs: expect.closeTo((wanted as AckSubject).storedMs, 2) },
          );
        }
      }),
      { numRuns: 500 },
    );
  });

  test("reads a message that is not the client's own", () => {
    const reply = "$JS.ACK.EVENTS_alpha.root.1.42.7.1700000000000000000.9";
    expect(new AckReader().read({ reply } as Msg)).toEqual(parseAckSubject(reply));
  });
});
