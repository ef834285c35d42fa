import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RecordingLog } from "../../../../test/kit/stand-ins.ts";
import { decodeEnvelope, type Envelope } from "../language/envelope.ts";
import type { Message } from "../transport.ts";
import { type Denial, Denials } from "./denials.ts";

const DENIAL: Denial = {
  hop: "subscribe",
  node: "alpha/kitchen",
  event: "nlp.",
  rule: "default-deny",
  reason: "no rule allows it",
};

let published: Message[];
let denials: Denials;
let log: RecordingLog;
/** The result of storing an event. */
let store: () => Promise<unknown>;

beforeEach(() => {
  vi.useFakeTimers();
  published = [];
  log = new RecordingLog();
  store = async () => undefined;
  denials = new Denials({
    address: { subnet: "alpha", node: "hub" },
    tenant: "acme",
    publish: (message) => {
      published.push(message);
      return store();
    },
    log,
  });
});
afterEach(() => {
  denials.close();
  vi.useRealTimers();
});

const told = (): Envelope<{ count: number; event: string }>[] =>
  published.map(({ body }) => decodeEnvelope(body) as Envelope<{ count: number; event: string }>);

describe("Denials", () => {
  test("tell the first of its kind at once, as an event of the daemon that denied it", () => {
    denials.note(DENIAL);
    expect(published[0]?.subject).toBe("evt.alpha.hub.mesh.policy.denied.v1");
    expect(told()).toMatchObject([
      {
        event_name: "mesh.policy.denied",
        tenant: "acme",
        source: "daemon@hub",
        data: { ...DENIAL, count: 1 },
      },
    ]);
    expect(log.lines).toHaveLength(1);
  });

  test("count the same for ten seconds, and tell how many there were", () => {
    for (let i = 0; i < 100; i++) denials.note(DENIAL);
    vi.advanceTimersByTime(9000);
    expect(told()).toHaveLength(1);
    vi.advanceTimersByTime(3000);
    expect(told().map(({ data }) => data.count)).toEqual([1, 99]);
    expect(denials.total).toBe(100);
  });

  test("tell few a second, whatever somebody tries, and of all that are counted in the end", () => {
    for (let i = 0; i < 30; i++) denials.note({ ...DENIAL, event: `nlp.x${i}` });
    expect(told()).toHaveLength(5);
    vi.advanceTimersByTime(2100);
    expect(told().length).toBeLessThan(20);
    vi.advanceTimersByTime(10_000);
    expect(new Set(told().map(({ data }) => data.event)).size).toBe(30);
  });

  test("tell of what is everyday ever more seldom, at last once an hour, and with the event's id", () => {
    const clock = setInterval(() => denials.note({ ...DENIAL, eventId: "EVT-1", isEveryday: true }, 3), 1000);
    vi.advanceTimersByTime(60_000);
    expect(told().map(({ data }) => data.count)).toEqual([3, 30, 60]);
    vi.advanceTimersByTime(24 * 3_600_000);
    clearInterval(clock);
    expect(told().length).toBeLessThan(35);
    expect(log.lines[0]).toMatchObject({ event: "denied", fields: { eventId: "EVT-1" } });
    expect(told()[0]?.data).toMatchObject({ event_id: "EVT-1" });
    expect(told()[0]?.data).not.toHaveProperty("isEveryday");
  });

  test("let what is everyday keep nothing else waiting", () => {
    for (let i = 0; i < 5000; i++) denials.note({ ...DENIAL, event: `nlp.x${i}`, isEveryday: true });
    denials.note({ ...DENIAL, event: "nlp.denied" });
    expect(told().map(({ data }) => data.event)).toEqual(["nlp.x0", "nlp.denied"]);
  });

  test("remember no more than a thousand kinds, and none for ever", () => {
    for (let i = 0; i < 5000; i++) denials.note({ ...DENIAL, event: `nlp.x${i}` });
    expect(denials.total).toBe(5000);
    vi.advanceTimersByTime(400_000);
    expect(new Set(told().map(({ data }) => data.event)).size).toBe(1000);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("cut what comes from strangers, and go on when it cannot be stored", async () => {
    store = () => Promise.reject(new Error("away"));
    denials.note({ ...DENIAL, event: "x".repeat(5000), reason: "y".repeat(5000) });
    await vi.advanceTimersByTimeAsync(1);
    expect(told()[0]?.data.event).toHaveLength(256);
    expect(log.lines.map(({ event }) => event)).toEqual(["denied", "denial not published"]);
  });
});
