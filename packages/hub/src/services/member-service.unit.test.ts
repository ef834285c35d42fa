import type { Denials } from "@adaos/core/wire";
import { hubServiceSubject } from "@adaos/core/wire";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ConnectionStandIn } from "../../../../test/kit/connection-stand-in.ts";
import { RecordingLog } from "../../../../test/kit/stand-ins.ts";
import { type AnswerMember, MemberService } from "./member-service.ts";

let connection: ConnectionStandIn;
let service: MemberService;
/** Ends the answer to the first request. */
let ends: (() => void)[];

beforeEach(async () => {
  vi.useFakeTimers();
  connection = new ConnectionStandIn();
  ends = [];
  const answer: AnswerMember = () =>
    new Promise((resolve) => {
      ends.push(() => resolve({}));
    });
  service = new MemberService({
    subnet: "alpha",
    connection,
    answers: {
      durable: answer,
      handlers: answer,
      reply: answer,
      registry: answer,
      park: answer,
      parked: answer,
      release: answer,
      budget: answer,
      timer: answer,
    },
    restore: async () => undefined,
    denials: { total: 0 } as Denials,
    log: new RecordingLog(),
  });
  await service.start();
});
afterEach(async () => {
  await service.stop();
  vi.useRealTimers();
});

async function ask(): Promise<void> {
  const subject = hubServiceSubject("kitchen", "budget");
  connection.deliver(subject, { subject, text: "{}", reply: "_INBOX.1" });
  await vi.advanceTimersByTimeAsync(5);
}

const sinceMs = (): number => Math.round(service.progress().sinceMs / 1000) * 1000;

describe("MemberService.progress()", () => {
  test("is none where nobody asks, and the time since an answer ended where somebody waits", async () => {
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(sinceMs()).toBe(0);
    await ask();
    await vi.advanceTimersByTimeAsync(60_000);
    await ask();
    expect(sinceMs()).toBe(60_000);
    ends.shift()?.();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(sinceMs()).toBe(30_000);
    ends.shift()?.();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(sinceMs()).toBe(0);
  });

  test("is over its limit when an answer never ends", async () => {
    await ask();
    await vi.advanceTimersByTimeAsync(601_000);
    const { sinceMs: waited, limitMs } = service.progress();
    expect(waited).toBeGreaterThan(limitMs);
  });
});
