import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type Bus, NonRetryableError } from "@adaos/client";
import type { NatsConnection } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliResult, HOME, TestMesh, until } from "../kit/mesh.ts";

const BIN = join(HOME, "packages/cli/bin/adaos.mjs");
const WINDOW_MS = 1000;
const MAX_BYTES = 64 * 1024 * 1024;
const YAML = `
mesh: replay
registry: ../schemas/events
streams: { duplicateWindowMs: ${WINDOW_MS}, maxBytes: ${MAX_BYTES} }
subnets:
  alpha:
    export: [ui., timer.]
    import: [ui.]
    members:
      kitchen: { publish: [ui., timer.], subscribe: [ui.] }
      speaker: { publish: [ui.], subscribe: [ui.] }
  beta:
    export: [ui.]
    import: [ui., timer.]
    members:
      desk: { publish: [ui.], subscribe: ["*"] }
      lamp: { subscribe: [ui.] }
      door: { publish: [ui.] }
`;

/** What a handler was given. */
interface Seen {
  readonly id: string;
  readonly text: string;
  readonly cause: string | undefined;
  readonly correlation: string;
  readonly replayId: string | undefined;
  readonly subnet: string;
}

interface Told {
  readonly replay_id: string;
  readonly replayed: number;
  readonly skipped: number;
  readonly failed: number;
  readonly next_seq?: number;
}

function textOf(data: unknown): string {
  const { text, timer = "" } = data as { readonly text?: string; readonly timer?: string };
  return text ?? timer;
}

/** A subscription that keeps what it was given. */
async function watch(
  bus: Bus,
  pattern: string,
  durable: string,
  options: { readonly from?: { readonly subnet?: string; readonly node?: string } } = {},
): Promise<Seen[]> {
  const seen: Seen[] = [];
  await bus.subscribe(pattern, { durable, maxConcurrency: 1, ...options }, (event, { address }) => {
    seen.push({
      id: event.event_id,
      text: textOf(event.data),
      cause: event.causation_id,
      correlation: event.correlation_id,
      replayId: event.headers["replay_id"],
      subnet: address.subnet,
    });
  });
  return seen;
}

const texts = (seen: readonly Seen[]): string[] => seen.map(({ text }) => text);

function numbered(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => `${from + i}`);
}

async function publishAll(bus: Bus, all: readonly string[]): Promise<string[]> {
  const sent = await Promise.all(all.map((text) => bus.publish("ui.notify", { text })));
  return sent.map(({ eventId }) => eventId);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("events replay, on a real mesh", () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: YAML });
    await mesh.untilReported();
  });
  afterAll(async () => {
    await mesh.stop();
  });

  function run(to: string, ...args: readonly string[]): Promise<CliResult> {
    return mesh.ask(["events", "replay", ...args, "--at", "beta", "--to", to]);
  }

  async function replay(to: string, ...args: readonly string[]): Promise<Told> {
    const { code, stdout, stderr } = await run(to, ...args, "--yes", "--json");
    expect([code, stderr]).toEqual([0, expect.stringContaining("if it is cut short, go on with: adaos")]);
    return JSON.parse(stdout) as Told;
  }

  /** A busy server may have nobody who answers for its streams, for a moment: then `use` begins again. */
  function asHub<T>(use: (nc: NatsConnection) => Promise<T>, of = "beta", tries = 20): Promise<T> {
    return mesh.asService(of, use).catch(async (thrown: { code?: string }) => {
      if (thrown.code !== "503" || tries === 1) throw thrown;
      return pause(250).then(() => asHub(use, of, tries - 1));
    });
  }

  function lastSeq(of = "beta"): Promise<number> {
    const stream = of === "root" ? "MESH" : `EVENTS_${of}`;
    return asHub(async (nc) => (await (await nc.jetstreamManager()).streams.info(stream)).state.last_seq, of);
  }

  function connectAll<T extends readonly string[]>(...as: T): Promise<{ [K in keyof T]: Bus }> {
    return Promise.all(as.map((one) => mesh.connect(one))) as Promise<{ [K in keyof T]: Bus }>;
  }

  /** Runs a replay that is ended by a signal as soon as it tells how far it is. */
  async function cutShort(signal: "SIGINT" | "SIGKILL", ...args: readonly string[]) {
    const child = spawn(process.execPath, [BIN, "events", "replay", ...args, "--yes", "--json"], {
      env: { ...process.env, ADAOS_STATE: mesh.state },
    });
    const ended = once(child, "exit");
    let [said, told] = ["", ""];
    child.stderr.on("data", (chunk: Buffer) => (said += String(chunk)));
    child.stdout.on("data", (chunk: Buffer) => (told += String(chunk)));
    await until("it tells how far it is", () => /^\d+ of \d+, \d+\/s.* at sequence \d+$/m.test(said));
    child.kill(signal);
    const [code] = (await ended) as [number | null];
    return { code, said, told };
  }

  test("gives all, in order, to that durable: to no other of the node, no other node, no other subnet", async () => {
    const [kitchen, desk, lamp, speaker] = await connectAll(
      "alpha/kitchen",
      "beta/desk",
      "beta/lamp",
      "alpha/speaker",
    );
    const screen = await watch(desk, "ui.", "screen");
    const others = [
      await watch(desk, "ui.", "screen-2"),
      await watch(desk, "ui.notify", "log"),
      await watch(lamp, "ui.", "screen"),
      await watch(speaker, "ui.", "screen"),
    ];
    const from = (await lastSeq()) + 1;
    const ids = await publishAll(kitchen, numbered(300));
    await until("all have come", () => [screen, ...others].every(({ length }) => length === 300));
    const stored = [await lastSeq("alpha"), await lastSeq("root")];

    const told = await replay("desk/screen", "--from-seq", String(from));
    expect(told).toMatchObject({ replayed: 300, skipped: 0, failed: 0 });
    expect(told.replay_id).toMatch(/^RPL-\d{8}-\d{6}-[0-9a-f]{12}$/);
    await until("they came again", () => screen.length === 600);
    const again = screen.slice(300);
    expect(texts(again)).toEqual(numbered(300));
    expect(again.map(({ cause }) => cause)).toEqual(ids);
    expect(again.every(({ replayId }) => replayId === told.replay_id)).toBe(true);
    expect(again.map(({ correlation }) => correlation)).toEqual(
      screen.slice(0, 300).map((s) => s.correlation),
    );
    expect(screen.slice(0, 300).every(({ replayId }) => replayId === undefined)).toBe(true);
    // What is published now comes behind the replay, everywhere: whoever has it had the chance to get the others.
    await kitchen.publish("ui.notify", { text: "end" });
    const isEnd = (seen: readonly Seen[]): boolean => seen.at(-1)?.text === "end";
    await until("the end has come", () => [screen, ...others].every(isEnd));
    for (const seen of others) expect(texts(seen)).toEqual([...numbered(300), "end"]);
    expect([await lastSeq("alpha"), await lastSeq("root")]).toEqual(stored.map((seq) => seq + 1));
    await Promise.all([kitchen, desk, lamp, speaker].map((bus) => bus.close()));
  });

  test("by time, by place, by pattern and by origin", async () => {
    const [kitchen, speaker, desk] = await connectAll("alpha/kitchen", "alpha/speaker", "beta/desk");
    const seen = await watch(desk, "*", "chosen");
    const first = (await lastSeq()) + 1;
    const publish = async (bus: Bus, event: string, text: string): Promise<void> => {
      const tick = { timer: text, scheduled_at: "2026-01-05T09:30:00Z" };
      await bus.publish(event, event === "timer.tick" ? tick : { text });
      await until(`${text} has come`, () => texts(seen).includes(text));
    };
    await publish(kitchen, "ui.notify", "a");
    await publish(speaker, "ui.notify", "b");
    await pause(1100);
    const middle = new Date().toISOString();
    await pause(50);
    await publish(kitchen, "timer.tick", "c");
    await publish(desk, "ui.notify", "d");
    const seqOf = (i: number): string => String(first + i);
    const cases: readonly (readonly [args: readonly string[], texts: string])[] = [
      [["--from-seq", seqOf(0)], "abcd"],
      [["--from-seq", seqOf(1), "--to-seq", seqOf(2)], "bc"],
      [["--since", middle], "cd"],
      [["--since", "1s"], ""],
      [["--until", middle, "--from-seq", seqOf(0)], "ab"],
      [["--since", middle, "--to-seq", seqOf(2)], "c"],
      [["--since", middle, "--until", middle], ""],
      [["timer.", "--from-seq", seqOf(0)], "c"],
      [["ui.notify@1", "--from-seq", seqOf(0)], "abd"],
      [["ui", "--from-seq", seqOf(0)], "abd"],
      [["--from", "alpha", "--from-seq", seqOf(0)], "abc"],
      [["--from", "alpha/speaker", "--from-seq", seqOf(0)], "b"],
      [["--from", "beta/desk", "--from-seq", seqOf(0)], "d"],
      [["ui.notify", "--from", "alpha/kitchen", "--from-seq", seqOf(0)], "a"],
    ];
    await pause(1000);
    for (const [range, expected] of cases) {
      // What replays leave behind, such as the records of who ran them, is in the stream too.
      const args = range.includes("--to-seq") ? range : [...range, "--to-seq", seqOf(3)];
      const about = args.join(" ");
      const before = seen.length;
      // Reads the counts first: a dry run tells the same, and stores nothing.
      const storedBefore = await lastSeq();
      const dry = await run("desk/chosen", ...args, "--dry-run", "--json");
      expect([dry.code, JSON.parse(dry.stdout)], about).toEqual([
        0,
        { replay: expected.length, skipped: 0, failed: 0, dry_run: true },
      ]);
      expect(await lastSeq()).toBe(storedBefore);
      if (expected === "") continue;
      expect((await replay("desk/chosen", ...args)).replayed, about).toBe(expected.length);
      await until(`${about} came`, () => seen.length >= before + expected.length);
      expect(texts(seen.slice(before)).join(""), about).toBe(expected);
    }
    await Promise.all([kitchen, speaker, desk].map((bus) => bus.close()));
  });

  test("means what a durable takes, and refuses what it does not", async () => {
    const [kitchen, desk] = [await mesh.connect("alpha/kitchen"), await mesh.connect("beta/desk")];
    const seen = await watch(desk, "ui.notify", "near", { from: { subnet: "beta" } });
    const first = (await lastSeq()) + 1;
    await kitchen.publish("ui.notify", { text: "far" });
    await desk.publish("ui.notify", { text: "near" });
    await until("it has come", () => seen.length === 1);
    expect((await replay("desk/near", "--from-seq", String(first))).replayed).toBe(1);
    await until("it came again", () => seen.length === 2);
    expect(texts(seen)).toEqual(["near", "near"]);
    const refusals: readonly (readonly [to: string, args: readonly string[], why: RegExp])[] = [
      [
        "desk/near",
        ["ui.", "--all"],
        /desk\/near takes ui\.notify from beta\/\*; ui\. is not all within that/,
      ],
      ["desk/near", ["--from", "alpha", "--all"], /takes ui\.notify from beta/],
      ["desk/none", ["--all"], /no durable "desk\/none" in beta; there are .*desk\/near/],
      ["beta/desk/near", ["--all"], /there are .*desk\/near/],
      ["desk/near", [], /say how far back .* or --all/],
      ["desk/near", ["ui.notify"], /say how far back/],
      ["desk/near", ["--all", "--since", "1h"], /cannot be used with/],
      ["desk/near", ["--since", "yesterday"], /must be like/],
      ["desk/near", ["--all", "--replay-id", "a#b"], /must be 1 to 64/],
      ["desk/near", ["--all", "--from", "a/b/c"], /is no origin/],
      ["desk/near", ["--all"], /would replay \d+ events; confirm with --yes/],
    ];
    const before = await lastSeq();
    for (const [to, args, why] of refusals) {
      const { code, stdout, stderr } = await run(to, ...args);
      expect([code, stdout], args.join(" ")).toEqual([64, ""]);
      expect(stderr).toMatch(why);
    }
    expect(await lastSeq()).toBe(before);
    await Promise.all([kitchen, desk].map((bus) => bus.close()));
  });

  test("the same replay twice runs each handler once, also when the servers have forgotten; a new one again", async () => {
    const desk = await mesh.connect("beta/desk");
    const seen = await watch(desk, "ui.", "twice");
    const first = (await lastSeq()) + 1;
    await publishAll(desk, numbered(50));
    // Two of one effect: of them one is handled, and one in each replay.
    await desk.publish("ui.notify", { text: "keyed" }, { idempotencyKey: "k" });
    await desk.publish("ui.notify", { text: "keyed" }, { idempotencyKey: "k" });
    await until("all have come", () => desk.stats.handled === 51 && desk.stats.repeated === 1);
    const bounds = ["--from-seq", String(first), "--to-seq", String(first + 51)];
    const told = await replay("desk/twice", ...bounds, "--replay-id", "rebuild-1");
    expect(told).toEqual({ replay_id: "rebuild-1", replayed: 52, skipped: 0, failed: 0 });
    await until("all came again", () => desk.stats.handled === 102 && desk.stats.repeated === 2);
    // The servers know some of them or all: those within their window.
    expect((await replay("desk/twice", ...bounds, "--replay-id", "rebuild-1")).replayed).toBe(52);
    await pause(WINDOW_MS + 500);
    const known = desk.stats.repeated;
    await replay("desk/twice", ...bounds, "--replay-id", "rebuild-1");
    await until("they came, and were known", () => desk.stats.repeated >= known + 52);
    expect(desk.stats.handled).toBe(102);
    const other = await replay("desk/twice", ...bounds);
    await until("another replay is another effect", () => desk.stats.handled === 153);
    expect(texts(seen.slice(102))).toEqual([...numbered(50), "keyed"]);
    expect(seen.at(-1)?.replayId).toBe(other.replay_id);
    // Not this durable's replay, though its name is the same: it is stored, and handled.
    const log = await watch(desk, "ui.", "twice-2");
    await replay("desk/twice-2", ...bounds, "--replay-id", other.replay_id);
    await until("the other durable has its own", () => log.length === 51);
    await desk.close();
  });

  test("killed half-way and run again, each event is handled once in a replay, and in order", async () => {
    const count = 5000;
    const [desk, writer] = [await mesh.connect("beta/desk"), await mesh.connect("beta/desk")];
    const first = (await lastSeq()) + 1;
    const seen = await watch(desk, "ui.notify", "killed");
    await publishAll(writer, numbered(count));
    await until("all have come", () => seen.length === count, 60_000);
    const args = ["--at", "beta", "--to", "desk/killed", "--from-seq", String(first), "--rate", "1500"];
    const { said, told } = await cutShort("SIGKILL", ...args);
    expect(told).toBe("");
    const [, rest = ""] = /if it is cut short, go on with: adaos events replay (.*)$/m.exec(said) ?? [];
    expect(rest).toMatch(/--from-seq \d+ --to-seq \d+ --rate 1500 --replay-id RPL-/);
    await pause(WINDOW_MS);
    expect(seen.length).toBeLessThan(2 * count);
    const words = rest.replace(" --rate 1500", "").split(" ");
    const again = await mesh.ask(["events", "replay", ...words, "--yes", "--json"]);
    expect([again.code, JSON.parse(again.stdout)]).toEqual([0, expect.objectContaining({ replayed: count })]);
    await until("all came again", () => seen.length >= 2 * count, 60_000);
    await until("what came twice was known", () => desk.stats.repeated > 0);
    expect(texts(seen.slice(count))).toEqual(numbered(count));
    await Promise.all([desk, writer].map((bus) => bus.close()));
  });

  test("Ctrl-C ends it between two batches and tells how to go on", async () => {
    const desk = await mesh.connect("beta/desk");
    const seen = await watch(desk, "ui.", "stopped");
    const first = (await lastSeq()) + 1;
    await publishAll(desk, numbered(600));
    await until("all have come", () => seen.length === 600);
    const args = ["--at", "beta", "--to", "desk/stopped", "--from-seq", String(first), "--rate", "150"];
    const { code, said, told } = await cutShort("SIGINT", ...args);
    expect(code).toBe(69);
    const { replayed, next_seq: next = 0, replay_id: id } = JSON.parse(told) as Told;
    expect(replayed).toBeLessThan(600);
    expect(next).toBe(first + replayed);
    const [, words = ""] = /^cut short; go on with: adaos events replay (.*)$/m.exec(said) ?? [];
    expect(words).toContain(`--from-seq ${next} `);
    await until("what was replayed came", () => seen.length === 600 + replayed);
    const rest = await mesh.ask(["events", "replay", ...words.split(" "), "--yes", "--json"]);
    expect(JSON.parse(rest.stdout)).toMatchObject({ replay_id: id, replayed: 600 - replayed });
    await until("all came", () => seen.length === 1200);
    expect(texts(seen.slice(600))).toEqual(numbered(600));
    expect(desk.stats.repeated).toBe(0);
    await desk.close();
  });

  test("a rate is held", async () => {
    const desk = await mesh.connect("beta/desk");
    const seen = await watch(desk, "ui.", "rate");
    const first = (await lastSeq()) + 1;
    await publishAll(desk, numbered(400));
    await until("all have come", () => seen.length === 400);
    const times: number[] = [];
    const watching = setInterval(() => {
      while (times.length < seen.length - 400) times.push(performance.now());
    }, 5);
    await replay("desk/rate", "--from-seq", String(first), "--rate", "200");
    await until("all came again", () => times.length === 400);
    clearInterval(watching);
    const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000;
    // 1.9 s by the rate; a loaded machine may take longer.
    expect(seconds).toBeGreaterThan(1.7);
    expect(seconds).toBeLessThan(15);
    await desk.close();
  });

  test("what is no event is skipped, what would not fit is told, and neither stops the rest", async () => {
    const desk = await mesh.connect("beta/desk");
    const seen = await watch(desk, "ui.", "odd");
    const first = (await lastSeq()) + 1;
    await desk.publish("ui.notify", { text: "before" });
    const headers = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`h${i}`, ""]));
    await desk.publish("ui.notify", { text: "full" }, { headers });
    const long = await desk.publish("ui.notify", { text: "long" }, { idempotencyKey: "k".repeat(1024) });
    await asHub(async (nc) => {
      const jetstream = nc.jetstream();
      await jetstream.publish("evt.beta.desk.ui.notify.v1", "this is no event");
      await jetstream.publish("evt.beta.desk.ui.notify.v1", "");
      await jetstream.publish("rpy.near.beta.desk.EVT-1.beta.desk.ui.notify.v1", "a reply");
    });
    await desk.publish("ui.notify", { text: "after" });
    await until("all have come", () => seen.at(-1)?.text === "after");
    const { code, stdout, stderr } = await run("desk/odd", "--from-seq", String(first), "--yes", "--json");
    expect(code).toBe(65);
    expect(JSON.parse(stdout)).toMatchObject({ replayed: 3, skipped: 2, failed: 1 });
    expect(stderr).toMatch(
      new RegExp(`^sequence ${first + 1}: no room for what a replay adds: .*headers`, "m"),
    );
    await until("the rest came", () => texts(seen.slice(4)).length === 3);
    expect(texts(seen.slice(4))).toEqual(["before", "long", "after"]);
    expect(seen[5]?.cause).toBe(long.eventId);
    const text = await run("desk/odd", "--from-seq", String(first), "--yes");
    expect(text.stdout).toBe("3 replayed, 2 skipped, 1 failed\n");
    await desk.close();
  });

  test("what fails again is a dead letter, whose replay is the same effect", async () => {
    const desk = await mesh.connect("beta/desk");
    let broken = false;
    const seen: (string | undefined)[] = [];
    await desk.subscribe("ui.notify", { durable: "fails" }, ({ headers }) => {
      if (broken) throw new NonRetryableError("broken");
      seen.push(headers["idempotency_key"]);
    });
    const first = (await lastSeq()) + 1;
    const { eventId } = await desk.publish("ui.notify", { text: "again" });
    await until("it has come", () => seen.length === 1);
    broken = true;
    const args = ["--from-seq", String(first), "--to-seq", String(first), "--replay-id", "r1"];
    await replay("desk/fails", ...args);
    await until("it is a dead letter", () => desk.stats.deadLettered === 1);
    broken = false;
    const letters = ["events", "dlq", "replay", "--at", "beta", "--durable", "fails", "--yes", "--json"];
    expect(JSON.parse((await mesh.adaos(letters)).stdout)).toEqual({ replayed: 1, failed: 0 });
    await until("it was handled", () => seen.length === 2);
    expect(seen[1]).toBe(`${eventId}#r1`);
    await pause(WINDOW_MS + 500);
    await replay("desk/fails", ...args);
    await until("it is known", () => desk.stats.repeated === 1);
    expect(seen).toHaveLength(2);
    await desk.close();
  });

  test("leaves room in a full stream, waits for it, and goes on when there is", async () => {
    const desk = await mesh.connect("beta/desk");
    const seen = await watch(desk, "ui.notify", "room");
    const first = (await lastSeq()) + 1;
    // About 10 MiB; what an event's text may not hold, its headers may.
    const headers = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`h${n}`, "x".repeat(1000)]));
    const all = numbered(350);
    await Promise.all(all.map((text) => desk.publish("ui.notify", { text }, { headers })));
    await until("all have come", () => seen.length === all.length);
    // Something that may go, as large as needed.
    const room = Math.floor(MAX_BYTES * 0.95);
    const old = await asHub(async (nc) => {
      const jsm = await nc.jetstreamManager();
      const { state } = await jsm.streams.info("EVENTS_beta");
      const count = Math.floor((room - state.bytes) / 250_000) - 6;
      for (let i = 0; i < count; i++)
        await nc.jetstream().publish(`evt.beta.old${i % 2}.old.one.v1`, new Uint8Array(249_000));
      return count;
    });
    expect(old).toBeGreaterThan(20);
    const last = await lastSeq();
    const args = ["--at", "beta", "--to", "desk/room", "--from-seq", String(first)];
    const running = mesh.ask(["events", "replay", ...args, "--yes", "--json"]);
    await until("it has begun", async () => (await lastSeq()) > last);
    await until("some came again", () => seen.length > all.length);
    await pause(2000);
    // Others still may publish.
    const door = await mesh.connect("beta/door");
    await door.publish("ui.notify", { text: "live" });
    await door.close();
    await until("it came behind what had room", () => seen.at(-1)?.text === "live");
    expect(seen.length).toBeGreaterThan(all.length + 1);
    expect(seen.length).toBeLessThan(2 * all.length);
    await asHub(async (nc) => {
      const jsm = await nc.jetstreamManager();
      await jsm.streams.purge("EVENTS_beta", { filter: "evt.beta.*.old.one.v1" });
    });
    const { code, stdout, stderr } = await running;
    expect(stderr).toMatch(/^they take about 10\.\d MiB and EVENTS_beta has room for \d\.\d MiB/m);
    const told = JSON.parse(stdout) as Told;
    expect([code, told]).toEqual([0, expect.objectContaining({ replayed: all.length })]);
    // The purge looks like a loss to the hub: what the root still has comes again too, under no replay's name.
    const again = (): Seen[] => seen.filter(({ replayId }) => replayId === told.replay_id);
    await until("all came again", () => again().length >= all.length, 60_000);
    expect(texts(again())).toEqual(all);
    await desk.close();
  });
});
