import { headers as newHeaders } from "nats";
import { describe, expect, test } from "vitest";
import { msgOf } from "../../../../test/kit/connection-stand-in.ts";
import { PullRequest } from "./pull-request.ts";

/** The end of a request as a server tells it. */
function statusWith(pending: string): ReturnType<typeof msgOf> {
  const headers = newHeaders(409, "Batch Completed");
  headers.set("Nats-Pending-Messages", pending);
  return msgOf({ subject: "inbox", text: "", headers });
}

function requestOf(batch: number, taken: number): PullRequest {
  const request = new PullRequest("inbox", { batch, maxBytes: 10_000 }, 0);
  for (let i = 0; i < taken; i++) request.takeMessage(10, 1);
  return request;
}

describe("PullRequest.endBy()", () => {
  test.each([
    ["nothing is to come", "6", 0],
    ["messages are behind it", "2", 4],
    ["all are behind it", "0", 6],
  ])("of a replicated consumer, while %s", (_, pending, coming) => {
    const request = requestOf(10, 4);
    request.endBy(statusWith(pending), true, 5);
    expect(request.isOpen).toBe(coming > 0);
    let came = 0;
    while (request.takeMessage(10, 6)) came++;
    expect(came).toBe(coming);
  });

  test.each(["", "-1", "x", "9999999"])("ends it when the count is %j", (pending) => {
    const request = requestOf(10, 0);
    request.endBy(statusWith(pending), true, 5);
    expect(request.isOpen).toBe(false);
  });

  test("of another consumer ends it, whatever it says", () => {
    const request = requestOf(10, 0);
    request.endBy(statusWith("2"), false, 5);
    expect(request.takeMessage(10, 6)).toBe(false);
    expect(request.isFruitless(6, 200)).toBe(true);
  });

  test("is not fruitless while its messages are on their way", () => {
    const request = requestOf(10, 0);
    request.endBy(statusWith("0"), true, 5);
    expect(request.isFruitless(6, 200)).toBe(false);
  });
});
