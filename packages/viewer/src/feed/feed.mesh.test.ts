import { get, type IncomingMessage } from "node:http";
import type { Bus } from "@adaos/client";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { TestMesh } from "../../../../test/kit/mesh.ts";
import { TestViewer } from "../../../../test/kit/viewer.ts";
import { makeToken, revokeToken } from "../access/tokens.ts";
import type { FeedEvent, FeedMessage } from "../api/feed.ts";

let mesh: TestMesh;
let viewer: TestViewer;
let kitchen: Bus;
let desk: Bus;
beforeAll(async () => {
  mesh = await TestMesh.start();
  viewer = await TestViewer.start(mesh.state);
  [kitchen, desk] = await Promise.all([mesh.connect("alpha/kitchen"), mesh.connect("beta/desk")]);
});
afterAll(async () => {
  await viewer?.stop();
  await mesh?.stop();
});

/** Polls for as long as a busy machine may need. */
const eventually = <T>(
  look: () => T,
  options: { readonly message?: string; readonly interval?: number; readonly timeout?: number } = {},
) => expect.poll(look, { timeout: 20_000, ...options });

/** A reader of the feed, as a program has it. */
interface Reader {
  readonly messages: FeedMessage[];
  /** The id that the reader goes on with. */
  lastId(): string;
  closed(): number | undefined;
  close(): void;
}
const readers: Reader[] = [];
const opened = (reader: Reader): Reader => {
  readers.push(reader);
  return reader;
};
afterEach(() => {
  for (const reader of readers.splice(0)) reader.close();
});
type Open = (query: string, options?: { readonly token?: string; readonly after?: string }) => Reader;

const bySocket: Open = (query, { token = viewer.token("viewer"), after } = {}) => {
  const address = `${viewer.url.replace("http", "ws")}/api/feed?${query}`;
  const socket = new WebSocket(after === undefined || after === "" ? address : `${address}&after=${after}`, [
    "adaos.feed.v1",
    `token.${token}`,
  ]);
  const messages: FeedMessage[] = [];
  let code: number | undefined;
  socket.on("message", (data) => messages.push(JSON.parse(String(data)) as FeedMessage));
  socket.on("close", (closed) => {
    code = closed;
  });
  socket.on("error", () => undefined);
  const lastId = (): string => messages.flatMap((one) => ("id" in one ? [one.id] : [])).at(-1) ?? after ?? "";
  return opened({ messages, lastId, closed: () => code, close: () => socket.terminate() });
};

const bySse: Open = (query, { token = viewer.token("viewer"), after } = {}) => {
  const messages: FeedMessage[] = [];
  let [lastId, buffered]: [string, string] = [after ?? "", ""];
  let code: number | undefined;
  const read = (response: IncomingMessage): void => {
    if (response.statusCode !== 200) code = response.statusCode;
    response.setEncoding("utf8").on("data", (chunk: string) => {
      buffered += chunk;
      const blocks = buffered.split("\n\n");
      buffered = blocks.pop() ?? "";
      for (const block of blocks)
        for (const line of block.split("\n")) {
          if (line.startsWith("id: ")) lastId = line.slice(4);
          if (line.startsWith("data: ")) messages.push(JSON.parse(line.slice(6)) as FeedMessage);
        }
    });
    response.on("close", () => {
      code ??= 0;
    });
    response.on("error", () => undefined);
  };
  const headers = after === undefined || after === "" ? {} : { "last-event-id": after };
  const request = get(`${viewer.url}/api/feed?token=${token}&${query}`, { headers, agent: false }, read);
  request.on("error", () => undefined);
  return opened({ messages, lastId: () => lastId, closed: () => code, close: () => request.destroy() });
};

const eventsOf = ({ messages }: Reader): FeedEvent[] => messages.filter((one) => one.type === "event");
const idsOf = (reader: Reader): string[] => eventsOf(reader).map(({ envelope }) => envelope.event_id);
const textsOf = (reader: Reader): unknown[] =>
  eventsOf(reader).map(({ envelope }) => (envelope.data as { readonly text?: string }).text);
const started = (reader: Reader): Promise<void> =>
  eventually(() => reader.messages.some(({ type }) => type === "start")).toBe(true) as Promise<void>;
const say = (bus: Bus, text: string): Promise<unknown> => bus.publish("ui.notify@1", { text });

describe.each([
  ["SSE", bySse],
  ["WebSocket", bySocket],
])("the feed over %s", (_, open) => {
  test("goes on where a reader left: no event is left out and none comes twice", async () => {
    const seen: string[] = [];
    const sent: string[] = [];
    let isOver = false;
    const publishing = (async () => {
      for (let i = 0; i < 300; i++)
        sent.push((await (i % 2 === 0 ? kitchen : desk).publish("ui.notify@1", { text: `n${i}` })).eventId);
      isOver = true;
    })();
    let reader = open("pattern=ui.notify&rate=1000&since=1h");
    const takeOver = (): void => {
      seen.push(...idsOf(reader));
      const after = reader.lastId();
      reader.close();
      reader = open("pattern=ui.notify&rate=1000", { after });
    };
    while (!isOver) {
      const enough = 5 + Math.floor(Math.random() * 60);
      await eventually(() => isOver || eventsOf(reader).length >= enough, { interval: 2 }).toBe(true);
      takeOver();
    }
    await publishing;
    const mine = (): string[] => [...seen, ...idsOf(reader)].filter((id) => sent.includes(id));
    await eventually(() => mine().length).toBeGreaterThanOrEqual(300);
    takeOver();
    await started(reader);
    expect(new Set(mine()).size).toBe(mine().length);
    expect(mine().sort()).toEqual([...sent].sort());
  });

  test("ends with its token", async () => {
    const brief = open("", { token: viewer.token("viewer", Date.now() + 1500) });
    await eventually(() => brief.messages.at(-1), { timeout: 5000 }).toMatchObject({
      type: "end",
      code: 4401,
    });
    await eventually(() => brief.closed(), { timeout: 5000 }).toBe(open === bySocket ? 4401 : 0);
    const stale = open("", { token: viewer.token("viewer", Date.now() - 1) });
    await eventually(() => stale.closed() !== undefined).toBe(true);
    expect(stale.messages).toEqual([]);
  });
});

describe("the feed", () => {
  test("sends what its filters take, as it is stored, and an imported event once", async () => {
    const queries = {
      all: "",
      root: "at=root",
      beta: "at=beta",
      name: "pattern=nlp.&pattern=ui.notify",
      other: "pattern=nlp.",
      origin: "origin=alpha/kitchen",
      subnet: "origin=beta",
      text: "text=TEA%20is",
      field: "field=data.text=Tea%20is%20ready&field=version=1",
      no: "field=data.text=Tea",
      correlation: "correlation=order-7",
      tenant: "tenant=default",
      stranger: "tenant=acme",
    };
    const asked = Object.entries(queries).map(([name, query]) => [name, bySocket(query)] as const);
    for (const [, reader] of asked) await started(reader);
    await kitchen.publish("ui.notify@1", { text: "Tea is ready" }, { correlationId: "order-7" });
    const of = (name: string): Reader => Object.fromEntries(asked)[name] as Reader;
    await eventually(() => textsOf(of("beta"))).toEqual(["Tea is ready"]);
    await say(desk, "end");
    const both = ["Tea is ready", "end"];
    const expected: Readonly<Record<string, readonly string[]>> = {
      ...{ all: both, root: both, beta: both, name: both, other: [], origin: both.slice(0, 1) },
      ...{ subnet: ["end"], text: both.slice(0, 1), field: both.slice(0, 1), no: [] },
      ...{ correlation: both.slice(0, 1), tenant: both, stranger: [] },
    };
    for (const [name, reader] of asked)
      await eventually(() => textsOf(reader), { message: name }).toEqual(expected[name]);
    const [first] = eventsOf(of("all"));
    expect(first).toMatchObject({ at: "alpha", origin: "alpha/kitchen", envelope: { tenant: "default" } });
  });

  test("tells what is wrong with a question, and with an id that is older than the stream", async () => {
    for (const query of [
      "pattern=>",
      "at=gamma",
      "rate=0",
      "since=soon",
      "what=1",
      "after=x",
      "field=data",
    ]) {
      const wrong = bySocket(query);
      await eventually(() => wrong.closed(), { message: query }).toBe(4400);
      expect(wrong.messages).toEqual([{ type: "end", code: 4400, reason: expect.stringMatching(/ /) }]);
      expect((await fetch(`${viewer.url}/api/feed?token=${viewer.token()}&${query}`)).status).toBe(400);
    }
    const ahead = bySocket("at=alpha", { after: "alpha:999999" });
    await eventually(() => ahead.messages.find(({ type }) => type === "gap")).toMatchObject({ at: "alpha" });
  });

  test("refuses the 33rd reader, and serves the next one once a reader has left", async () => {
    const many = Array.from({ length: 32 }, () => bySocket("pattern=nlp."));
    for (const reader of many) await started(reader);
    const refused = bySocket("");
    await eventually(() => refused.closed()).toBe(1013);
    expect(refused.messages.at(-1)).toMatchObject({
      type: "end",
      reason: expect.stringContaining("32 readers"),
    });
    const status = await fetch(`${viewer.url}/api/feed?token=${viewer.token()}`);
    expect(status.status).toBe(429);
    for (const reader of many) reader.close();
    await eventually(() => many.every((reader) => reader.closed() !== undefined)).toBe(true);
    const next = bySocket("");
    await started(next);
  });

  test("samples above its rate and tells it", async () => {
    const all = bySocket("rate=1000&pattern=ui.");
    await started(all);
    await say(kitchen, "first");
    await eventually(() => eventsOf(all).length).toBe(1);
    // The streams are followed now: nothing that this one is sent is of the past.
    const few = bySocket("rate=1&pattern=ui.");
    await started(few);
    await Promise.all(Array.from({ length: 300 }, (_, i) => say(kitchen, `s${i}`)));
    await eventually(() => eventsOf(all).length).toBe(301);
    const told = (): number =>
      few.messages.reduce((sum, one) => sum + (one.type === "sampled" ? one.matched - one.sent : 0), 0);
    await eventually(() => told() + eventsOf(few).length).toBeGreaterThanOrEqual(300);
    expect(eventsOf(few).length).toBeLessThan(100);
    expect(all.messages.filter(({ type }) => type === "sampled")).toEqual([]);
  });

  test("beats, tells a server that goes and comes, and disconnects a reader that takes nothing", async () => {
    const text = "x".repeat(1900);
    for (let i = 0; i < 7; i++) await Promise.all(Array.from({ length: 1000 }, () => say(kitchen, text)));
    const slow = new WebSocket(`${viewer.url.replace("http", "ws")}/api/feed?since=1h`, [
      "adaos.feed.v1",
      `token.${viewer.token()}`,
    ]);
    let isClosed = false;
    slow.on("open", () => slow.pause());
    slow.on("error", () => undefined);
    slow.on("close", () => {
      isClosed = true;
    });
    const other = bySocket("origin=beta&pattern=ui.");
    await started(other);
    const startedMs = performance.now();
    await say(desk, "on time");
    await eventually(() => textsOf(other)).toEqual(["on time"]);
    // Well before the slow reader is given up, which takes ten seconds.
    expect(performance.now() - startedMs).toBeLessThan(8000);
    process.kill(mesh.pid("nats-beta"), "SIGKILL");
    await eventually(() => other.messages.some(({ type }) => type === "away")).toBe(true);
    await eventually(() => other.messages.some(({ type }) => type === "back")).toBe(true);
    await eventually(() =>
      say(desk, "again").then(
        () => true,
        () => false,
      ),
    ).toBe(true);
    await eventually(() => textsOf(other).at(-1)).toBe("again");
    await eventually(() => other.messages.some(({ type }) => type === "beat")).toBe(true);
    // One that reads nothing learns by writing that it was disconnected.
    await eventually(() => {
      if (slow.readyState === WebSocket.OPEN) slow.ping();
      return isClosed;
    }).toBe(true);
  });

  test("ends once its token is revoked, and no other does", async () => {
    const token = makeToken(mesh.state, { name: "panel", role: "viewer" });
    const readers = [bySocket("", { token }), bySse("", { token })];
    const other = bySocket("");
    for (const reader of [...readers, other]) await started(reader);
    revokeToken(mesh.state, token.split(".")[0] ?? "");
    for (const reader of readers) {
      await eventually(() => reader.closed() !== undefined, { timeout: 5000 }).toBe(true);
      expect(reader.messages.at(-1)).toMatchObject({ type: "end", code: 4401 });
    }
    expect(other.closed()).toBeUndefined();
  });
});
