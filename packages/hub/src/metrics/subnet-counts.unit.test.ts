import type { Counted, MetricsSnapshot } from "@adaos/core/wire";
import { exposition, metricsSubject, parseNodeAddress } from "@adaos/core/wire";
import type { StoredMessage } from "@adaos/transport-nats";
import { beforeEach, describe, expect, test } from "vitest";
import { parseExposition, readValue } from "../../../../test/kit/parse-exposition.ts";
import { RecordingLog } from "../../../../test/kit/stand-ins.ts";
import { type SnapshotStream, SubnetCounts } from "./subnet-counts.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.parse("2026-01-01T00:00:00Z");

/** Keeps of each subject the last message, for 31 days. */
class Stream implements SnapshotStream {
  messages: StoredMessage[] = [];
  nowMs = START_MS;
  isFull = false;
  reads: number[] = [];
  #last = 0;

  async lastSeq(): Promise<number> {
    return this.#last;
  }

  async *from(seq: number): AsyncGenerator<StoredMessage> {
    this.reads.push(seq);
    this.messages = this.messages.filter(({ storedAt }) => Date.parse(storedAt) > this.nowMs - 31 * DAY_MS);
    yield* this.messages.filter((message) => message.seq >= seq);
  }

  async store(snapshot: MetricsSnapshot): Promise<void> {
    if (this.isFull) throw new Error("no room");
    const hour = snapshot.ended_before === undefined ? snapshot.hour.slice(0, 13) : "all";
    const subject = metricsSubject(parseNodeAddress(snapshot.node), snapshot.instance, hour);
    this.put(subject, JSON.stringify(snapshot));
  }

  put(subject: string, body: string): void {
    this.messages = this.messages.filter((message) => message.subject !== subject);
    this.messages.push({
      subject,
      seq: ++this.#last,
      storedAt: new Date(this.nowMs).toISOString(),
      headers: {},
      body: new TextEncoder().encode(body),
    });
  }

  /** Stores a snapshot, as a process does that has published so many events. */
  async tell(instance: string, published: number, node = "alpha/kitchen"): Promise<void> {
    const totals: Counted = {
      counters: [["published", ["ui.notify"], published]],
      histograms: [["publishMs", [], { count: 1, sum: 2, min: 2, max: 2, buckets: [[8, 1]] }]],
    };
    const hour = new Date(Math.floor(this.nowMs / HOUR_MS) * HOUR_MS).toISOString();
    await this.store({ node, instance, hour, ...totals, totals });
  }

  begin(): void {
    this.messages = [];
    this.#last = 0;
  }
}

describe("SubnetCounts", () => {
  let stream: Stream;
  let counts: SubnetCounts;
  const anew = (): SubnetCounts => new SubnetCounts(stream, new RecordingLog(), () => stream.nowMs);
  async function published(node = "alpha/kitchen"): Promise<number | undefined> {
    const read = parseExposition(exposition(await counts.read(), "text"), "text");
    return readValue(read, "adaos_events_published_total", { node });
  }

  beforeEach(() => {
    stream = new Stream();
    counts = anew();
  });

  test("are one series for all processes of a node, and one for each node", async () => {
    await stream.tell("a", 3);
    await stream.tell("b", 4);
    await stream.tell("c", 5, "alpha/desk");
    expect([await published(), await published("alpha/desk")]).toEqual([7, 5]);
    const text = exposition(await counts.read(), "text");
    expect(text).not.toContain("process=");
    expect(
      readValue(parseExposition(text, "text"), "adaos_publish_duration_seconds_count", {
        node: "alpha/kitchen",
      }),
    ).toBe(2);
  });

  test("take the last word of a process, and read on where they were", async () => {
    await stream.tell("a", 3);
    expect(await published()).toBe(3);
    stream.nowMs += HOUR_MS;
    await stream.tell("a", 9);
    expect([await published(), await published()]).toEqual([9, 9]);
    expect(stream.reads).toEqual([1, 2, 3]);
  });

  test("never fall while processes come and go for months, and the hub is started anew", async () => {
    let last = 0;
    let sum = 0;
    for (let day = 0; day < 100; day++) {
      stream.nowMs += DAY_MS;
      await stream.tell(`p${day}`, 2);
      sum += 2;
      if (day % 7 === 0) counts = anew();
      const now = (await published()) ?? 0;
      expect([day, now >= last]).toEqual([day, true]);
      last = now;
    }
    expect(last).toBe(sum);
    // Snapshots of the last days, and the snapshot with the sum of all others.
    counts = anew();
    expect(await published()).toBe(sum);
  });

  test("do not fall either when what ended cannot be stored, and count nothing twice afterwards", async () => {
    await stream.tell("a", 5);
    stream.isFull = true;
    stream.nowMs += 10 * DAY_MS;
    expect(await published()).toBe(5);
    stream.isFull = false;
    expect([await published(), await published()]).toEqual([5, 5]);
    counts = anew();
    expect(await published()).toBe(5);
  });

  test("of a store that was lost begin anew with what is there", async () => {
    for (const instance of ["a", "b", "c"]) await stream.tell(instance, 1);
    expect(await published()).toBe(3);
    stream.begin();
    await stream.tell("d", 1);
    expect(await published()).toBe(4);
  });

  test("pass over what is no snapshot", async () => {
    for (const body of [
      "{",
      "[]",
      '{"instance":"x"}',
      '{"hour":"now","instance":"x","counters":[],"histograms":[]}',
    ])
      stream.put("met.alpha.kitchen.x.2026-01-01T00", body);
    stream.put("met.alpha.kitchen", "{}");
    await stream.tell("a", 2);
    expect(await published()).toBe(2);
  });

  test("are read again in full when a read was cut short", async () => {
    await stream.tell("a", 2);
    const from = stream.from.bind(stream);
    stream.from = async function* (seq) {
      yield* from(seq);
      throw new Error("no answer");
    };
    await expect(counts.read()).rejects.toThrow("no answer");
    stream.from = from;
    expect(await published()).toBe(2);
  });
});
