import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eventName, originToken } from "../../../../test/kit/arbitraries.ts";
import type { Message } from "../transport.ts";
import { formatReplySubject, type ReplyAddress } from "../wire/reply-subject.ts";
import {
  isProven,
  REPLY_KEY_HEADER,
  REPLY_PROOF_HEADER,
  replyKeyIn,
  replyKeyOf,
  replyProofOf,
  replySecret,
  withoutReplyKey,
} from "./reply-proof.ts";

const KEY = replyKeyOf(replySecret("a node's seed"), "EVT-1");
const body = new TextEncoder().encode('{"data":{"status":"installed"}}');
const ADDRESS: ReplyAddress = {
  requester: { subnet: "alpha", node: "hall" },
  requestId: "EVT-1",
  responder: { subnet: "beta", node: "desk" },
  name: "repo.skill.install",
  version: 1,
};

function replyOf(address: ReplyAddress, key = KEY): Message {
  const message = { subject: formatReplySubject(address), id: "EVT-2", headers: {}, body };
  return { ...message, headers: { [REPLY_PROOF_HEADER]: replyProofOf(key, message) } };
}

describe("replyKeyOf()", () => {
  test("is the same for a repetition, and another one for another request or secret", () => {
    const secret = replySecret("a node's seed");
    expect(replyKeyOf(secret, "EVT-1")).toBe(KEY);
    expect(replyKeyOf(secret, "EVT-2")).not.toBe(KEY);
    expect(replyKeyOf(replySecret("another's"), "EVT-1")).not.toBe(KEY);
    expect(replyKeyOf(replySecret(), "EVT-1")).not.toBe(replyKeyOf(replySecret(), "EVT-1"));
  });

  test("is well-formed, whatever the id", () => {
    const secret = replySecret();
    fc.assert(
      fc.property(fc.string(), (id) => {
        const key = replyKeyOf(secret, id);
        expect(replyKeyIn({ [REPLY_KEY_HEADER]: key })).toBe(key);
      }),
    );
  });
});

describe("replyKeyIn()", () => {
  test.each([{}, ...["", "x", `${KEY}x`, `${KEY.slice(1)}\n`].map((key) => ({ [REPLY_KEY_HEADER]: key }))])(
    "takes none of %o",
    (headers) => expect(replyKeyIn(headers)).toBeUndefined(),
  );
});

describe("isProven()", () => {
  test("takes a reply as it was published, and as a server hands it on", () => {
    const reply = replyOf(ADDRESS);
    expect(isProven(KEY, reply)).toBe(true);
    expect(isProven(KEY, { ...reply, subject: reply.subject.replace("rpy.", "got.") })).toBe(true);
  });

  test("refuses a reply without a proof, with another's, or with what is none", () => {
    const reply = replyOf(ADDRESS);
    const proof = reply.headers[REPLY_PROOF_HEADER] ?? "";
    const others = ["", proof.slice(1), `${proof}=`, `${proof.slice(0, -1)}\u0141`, "x".repeat(10_000)];
    const forged = [{}, ...others.map((other) => ({ [REPLY_PROOF_HEADER]: other }))];
    for (const headers of forged) expect(isProven(KEY, { ...reply, headers })).toBe(false);
    expect(isProven(KEY, replyOf(ADDRESS, `${KEY.slice(1)}x`))).toBe(false);
  });

  test("binds requester, request, responder, command, version and every byte of the body", () => {
    const { headers } = replyOf(ADDRESS);
    const address = fc.record({
      requester: fc.record({ subnet: originToken, node: originToken }),
      requestId: fc.stringMatching(/^[A-Za-z0-9-]{1,64}$/),
      responder: fc.record({ subnet: originToken, node: originToken }),
      name: eventName,
      version: fc.integer({ min: 1, max: 9999 }),
    });
    const part = fc.constantFrom("requester", "requestId", "responder", "name", "version");
    fc.assert(
      fc.property(address, part, (other, changed) => {
        const forged = { ...ADDRESS, [changed]: other[changed] };
        fc.pre(JSON.stringify(forged) !== JSON.stringify(ADDRESS));
        expect(isProven(KEY, { subject: formatReplySubject(forged), headers, body })).toBe(false);
      }),
    );
    fc.assert(
      fc.property(fc.nat({ max: body.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const changed = body.map((byte, i) => (i === at ? byte ^ by : byte));
        expect(isProven(KEY, { subject: formatReplySubject(ADDRESS), headers, body: changed })).toBe(false);
      }),
    );
  });
});

describe("withoutReplyKey()", () => {
  test("leaves everything else", () => {
    expect(withoutReplyKey({ traceparent: "00-1", [REPLY_KEY_HEADER]: KEY })).toEqual({
      traceparent: "00-1",
    });
  });
});
