import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { NonRetryableError, RetryableError } from "@adaos/client";
import type { NatsConnection } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliResult, HOME, TestMesh, until } from "../kit/mesh.ts";

const BIN = join(HOME, "packages/cli/bin/adaos.mjs");
/** Short waits, so that a test sees the end of them. */
const QUICK = { baseMs: 50, factor: 1, maxRetries: 2, jitter: 0 } as const;

/** What would command a terminal, turn a line's direction, or not be seen. */
const UNSEEN = "\u001b]0;owned\u0007\u001b[31m\u009b2J\u007f\u202e\u2066\u200b\u2028";
const UNSEEN_CHARS = /(?![\n\t])[\p{Cc}\p{Cf}\u2028]/u;

interface Status {
  readonly generated_at: string;
  readonly mesh: string;
  readonly records: Record<string, number>;
  readonly dead_letters: Record<string, number>;
  readonly retry_candidates: Record<string, number>;
  readonly newest_failure: { event_id: string; message: string } | null;
  readonly durables: { subnet: string; node: string; durable: string; pending: number; unsettled: number }[];
  readonly unreachable: unknown[];
}

describe("the operator's commands, on a real mesh", () => {
  let mesh: TestMesh;
  /** Published texts by the id of their events. */
  const ids = new Map<string, string>();
  const handled: { id: string; cause: string | undefined; key: string | undefined; text: string }[] = [];
  let mended = false;

  const idOf = (text: string): string => ids.get(text) ?? "";

  async function run(...args: readonly string[]): Promise<CliResult> {
    return mesh.ask(["events", ...args]);
  }

  async function lines<T>(...args: readonly string[]): Promise<T[]> {
    const { code, stdout, stderr } = await run(...args, "--json");
    expect([code, stderr]).toEqual([0, ""]);
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as T);
  }

  async function hubConnection(subnet: string): Promise<NatsConnection> {
    return (await mesh.openService(subnet)).nc;
  }

  async function status(...args: readonly string[]): Promise<Status> {
    const [found, ...more] = await lines<Status>("status", ...args);
    expect(more).toEqual([]);
    return found as Status;
  }

  beforeAll(async () => {
    mesh = await TestMesh.start();
    const kitchen = await mesh.connect("alpha/kitchen");
    const desk = await mesh.connect("beta/desk");
    let flaky = 0;
    await desk.subscribe("ui.notify", { durable: "screen", retry: QUICK }, (event) => {
      const { text } = event.data as { text: string };
      if (text === "flaky" && ++flaky === 1) throw new RetryableError("not yet");
      if (text === "permanent" && !mended) throw new NonRetryableError("no such screen");
      if (text === "transient" && !mended) throw new RetryableError("screen is busy\nvery");
      if (text === "unknown" && !mended) throw new Error(`${UNSEEN}who knows`);
      handled.push({
        id: event.event_id,
        cause: event.causation_id,
        key: event.headers["idempotency_key"],
        text,
      });
    });
    for (const text of ["good", "flaky", "permanent", "transient", "unknown"]) {
      const { eventId } = await kitchen.publish("ui.notify", { text, title: UNSEEN });
      ids.set(text, eventId);
    }
    await until("all are settled", async () => {
      const { records } = await status();
      return records["success"] === 1 && records["failed"] === 1 && records["dead_letter"] === 2;
    });
  });
  afterAll(async () => {
    await mesh.stop();
  });

  test("status: counts records, dead letters and candidates, names the newest failure, lists every durable", async () => {
    const found = await status();
    expect(found).toMatchObject({
      mesh: "demo",
      records: { retrying: 0, success: 1, failed: 1, dead_letter: 2 },
      dead_letters: { transient: 1, permanent: 1, unknown: 1 },
      retry_candidates: { transient: 1, unknown: 1 },
      unreachable: [],
    });
    expect(Date.parse(found.generated_at)).toBeGreaterThan(Date.now() - 60_000);
    expect([idOf("unknown"), idOf("transient")]).toContain(found.newest_failure?.event_id);
    await until("the durable has settled all", async () => {
      const { durables } = await status();
      const screen = durables.find(({ durable }) => durable === "screen");
      expect(screen).toMatchObject({ subnet: "beta", node: "desk", pending: 0 });
      return screen?.unsettled === 0;
    });
    expect(found.durables).toContainEqual(expect.objectContaining({ subnet: "alpha", node: "root" }));

    const text = await run("status");
    expect([text.code, text.stderr]).toEqual([0, ""]);
    expect(text.stdout).toMatch(
      /processing records +0 retrying, 1 success after retry, 1 failed, 2 dead letter/,
    );
    expect(text.stdout).toMatch(/dead letters +1 transient, 1 permanent, 1 unknown/);
    expect(text.stdout).toMatch(/retry candidates +1 transient, 1 of unknown cause/);
    expect(text.stdout).toMatch(/beta +desk +screen +0 +0 +0/);
  });

  test("no text of a stranger commands the terminal, and JSON keeps each", async () => {
    const id = idOf("unknown");
    const [letter] = await lines<{ dead_letter_id: string }>("detail", id);
    for (const args of [
      ["detail", id],
      ["dlq", "list"],
      ["dlq", "show", id],
      ["failed"],
      ["retry-candidates"],
      ["status"],
      ["tail", "ui.", "--at", "alpha", "--since", "1h", "--count", "1"],
    ]) {
      const { code, stdout, stderr } = await run(...args);
      expect([code, `${stdout}${stderr}`.match(UNSEEN_CHARS)], args.join(" ")).toEqual([0, null]);
    }
    expect(JSON.stringify(letter)).toContain(JSON.stringify(UNSEEN).slice(1, -1));
  });

  test("status --at: one subnet only, and a subnet that is none is a usage error", async () => {
    const { records, durables } = await status("--at", "alpha");
    expect(records).toEqual({ retrying: 0, success: 0, failed: 0, dead_letter: 0 });
    expect(new Set(durables.map(({ subnet }) => subnet))).toEqual(new Set(["alpha"]));
    expect((await run("status", "--at", "gamma")).code).toBe(64);
  });

  test("failed: one line per event that failed for good, newest last, by every filter", async () => {
    const all = await lines<{ event_id: string; status: string; timestamp: string }>("failed");
    expect(all.map(({ event_id, status: s }) => [event_id, s])).toEqual(
      expect.arrayContaining([
        [idOf("permanent"), "failed"],
        [idOf("transient"), "dead_letter"],
        [idOf("unknown"), "dead_letter"],
      ]),
    );
    expect(all).toHaveLength(3);
    expect(all[0]?.event_id).toBe(idOf("permanent"));
    const times = all.map(({ timestamp }) => timestamp);
    expect(times).toEqual(times.toSorted());
    expect(await lines("failed", "--limit", "1")).toEqual(all.slice(-1));
    const few = await run("failed", "--limit", "2");
    expect(few.stdout.trimEnd().split("\n")).toHaveLength(2);
    expect(few.stderr).toContain("2 failed events of 3; see more with --limit");
    const filters: readonly (readonly [string, string, number])[] = [
      ["--at", "beta", 3],
      ["--at", "alpha", 0],
      ["--node", "beta/desk", 3],
      ["--node", "beta/lamp", 0],
      ["--node", "alpha/desk", 0],
      ["--durable", "screen", 3],
      ["--durable", "other", 0],
      ["--event", "ui.notify", 3],
      ["--event", "ui.", 3],
      ["--event", "nlp.", 0],
    ];
    for (const [option, value, count] of filters) {
      expect(await lines("failed", option, value), `${option} ${value}`).toHaveLength(count);
    }
    expect((await run("failed", "--node", "desk")).code).toBe(64);
    expect((await run("failed", "--durable", "a.>")).code).toBe(64);
  });

  test("retry-candidates: transient ones, then those of unknown cause, never permanent ones or bodies", async () => {
    const found = await lines<{ event_id: string; category: string; message?: unknown }>("retry-candidates");
    expect(found.map(({ event_id, category }) => [category, event_id])).toEqual([
      ["transient", idOf("transient")],
      ["unknown", idOf("unknown")],
    ]);
    expect(found.every(({ message }) => message === undefined)).toBe(true);
    const text = await run("retry-candidates", "--durable", "screen");
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(/^transient .*screen is busy\nunknown .*who knows\n$/);
    expect(text.stderr).toBe("1 transient\n1 unknown\n");
    expect(await lines("retry-candidates", "--at", "alpha")).toEqual([]);
  });

  test("detail: where the event lies, its records and its dead letters, by either id", async () => {
    const [letter] = await lines<{ dead_letter_id: string }>("retry-candidates");
    const [known] = await lines<Record<string, unknown>>("detail", idOf("transient"));
    expect(known).toMatchObject({
      event_id: idOf("transient"),
      event: {
        stream: "EVENTS_beta",
        subject: "evt.alpha.kitchen.ui.notify.v1",
        envelope: { event_id: idOf("transient"), data: { text: "transient" } },
      },
      records: [
        { status: "dead_letter", durable: "screen", retry_info: { count: 2 }, attempts: [{}, {}, {}] },
      ],
      dead_letters: [{ dead_letter_id: letter?.dead_letter_id, attempts: [{}, {}, {}] }],
    });
    expect(await lines("detail", letter?.dead_letter_id ?? "")).toEqual([known]);

    const text = await run("detail", idOf("transient"));
    expect(text.code).toBe(0);
    for (const part of [
      "evt.alpha.kitchen.ui.notify.v1",
      "beta/desk screen  dead_letter",
      "screen is busy",
      letter?.dead_letter_id ?? "?",
    ]) {
      expect(text.stdout).toContain(part);
    }
  });

  test("detail: finds an event that never failed, one that failed once, and nothing of nothing", async () => {
    const [good] = await lines<Record<string, unknown>>("detail", idOf("good"));
    expect(good).toMatchObject({
      event: { stream: "EVENTS_alpha", envelope: { data: { text: "good" } } },
      records: [],
      dead_letters: [],
    });
    const [flaky] = await lines<Record<string, unknown>>("detail", idOf("flaky"));
    expect(flaky).toMatchObject({ records: [{ status: "success" }], dead_letters: [] });
    for (const id of ["EVT-20260101-000000-0123456789ab", "DLQ-EVENTS_beta-9999-desk.screen", "nonsense"]) {
      const { code, stdout, stderr } = await run("detail", id);
      expect([code, stdout]).toEqual([64, ""]);
      expect(stderr).toContain(`nothing is known of "${id}"`);
    }
  });

  test("export: a report with counts, records and dead letters, for its owner only", async () => {
    const file = join(mesh.dir, "report.json");
    const { code, stdout, stderr } = await run("export", "--output", file);
    expect([code, stdout]).toEqual([0, ""]);
    // Above it is how far a slow export was, once a second.
    expect(stderr).toMatch(/(^|\n).*: 4 records, 3 dead letters\n$/);
    expect(stderr).toContain(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(existsSync(`${file}.new`)).toBe(false);
    const report = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    const { records, dead_letters, retry_candidates, newest_failure } = await status();
    expect(report).toMatchObject({
      mesh: "demo",
      counts: { records, dead_letters, retry_candidates, newest_failure },
    });
    expect(report["records"]).toHaveLength(4);
    expect(report["dead_letters"]).toHaveLength(3);
    expect(report).toHaveProperty("generated_at");
    const empty = join(mesh.dir, "empty.json");
    const none = { output: empty, records: 0, dead_letters: 0 };
    expect(await lines("export", "--at", "alpha", "--output", empty)).toEqual([none]);
  });

  test("export: overwrites nothing unless it is told to", async () => {
    const file = join(mesh.dir, "mine.json");
    writeFileSync(file, "mine", { mode: 0o644 });
    const refused = await run("export", "--output", file);
    expect(refused.code).toBe(64);
    expect(refused.stderr).toContain("--force");
    expect(readFileSync(file, "utf8")).toBe("mine");
    const told = await lines("export", "--output", file, "--force");
    expect(told).toEqual([{ output: file, records: 4, dead_letters: 3 }]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const nowhere = await run("export", "--output", join(mesh.dir, "no/such/folder.json"));
    expect(nowhere.code).toBe(64);
  });

  test("export --format jsonl: one record a line with the fields that users know", async () => {
    const { code, stdout, stderr } = await run("export", "--format", "jsonl", "--output", "-");
    // How far it has come is told where it takes longer than a second.
    expect(code, stderr).toBe(0);
    const records = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records).toHaveLength(4);
    for (const record of records) {
      expect(Object.keys(record)).toEqual([
        "event_id",
        "timestamp",
        "event_type",
        "source",
        "data",
        "status",
        "error_info",
        "retry_info",
        "recovery_actions",
      ]);
    }
    expect(records.find(({ event_id }) => event_id === idOf("permanent"))).toMatchObject({
      event_type: "ui.notify",
      source: "app@kitchen",
      data: { text: "permanent" },
      status: "failed",
      error_info: { category: "permanent", message: "no such screen" },
    });
    const report = await run("export", "--output", "-");
    expect(JSON.parse(report.stdout)).toHaveProperty("counts.records.success", 1);
  });

  test("topics: one line per event type, where it comes from, and what the registry says", async () => {
    const topics = await lines<{ event: string; count: number; last_seen: string | null }>("topics");
    const notify = topics.find(({ event }) => event === "ui.notify@1");
    expect(notify).toMatchObject({
      count: 5,
      origins: ["alpha/kitchen"],
      kind: "event",
      status: "stable",
    });
    expect(Date.parse(notify?.last_seen ?? "")).toBeGreaterThan(performance.timeOrigin);
    expect(topics.find(({ event }) => event === "repo.skill.installed@1")).toMatchObject({
      count: 0,
      origins: [],
      last_seen: null,
    });
    for (const at of ["alpha", "beta", "root"]) {
      const there = await lines<{ event: string; count: number }>("topics", "--at", at);
      expect(there.find(({ event }) => event === "ui.notify@1")?.count, at).toBe(5);
    }
    const text = await run("topics");
    expect(text.stdout).toMatch(/^ui\.notify@1 +5 +20.* +event +stable +alpha\/kitchen$/m);
    expect(text.stdout).toMatch(/^timer\.tick@1 +0 +never/m);
    expect((await run("topics", "--at", "gamma")).code).toBe(64);
  });

  test("topics: an event that the registry does not know any more", async () => {
    const registry = JSON.parse(readFileSync(join(mesh.state, "mesh.json"), "utf8")) as Record<
      string,
      unknown
    >;
    const folder = join(mesh.dir, "little-registry");
    cpSync(String(registry["registryDir"]), folder, { recursive: true });
    writeFileSync(join(folder, "registry.yaml"), "[]\n");
    const before = readFileSync(join(mesh.state, "mesh.json"), "utf8");
    writeFileSync(join(mesh.state, "mesh.json"), JSON.stringify({ ...registry, registryDir: folder }));
    try {
      const { stdout, code, stderr } = await run("topics");
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toMatch(/^ui\.notify@1 .*not in registry +alpha\/kitchen$/m);
    } finally {
      writeFileSync(join(mesh.state, "mesh.json"), before);
    }
  });

  test("subscribe: prints and acknowledges, goes on where it was, and hands back what it did not print", async () => {
    const ask = ["subscribe", "ui.", "--as", "beta/lamp", "--durable", "shell", "--start", "all"];
    const first = await lines<{ data: { text: string } }>(...ask, "--count", "2", "--from", "alpha/kitchen");
    expect(first.map(({ data }) => data.text)).toEqual(["good", "flaky"]);
    const rest = await lines<{ data: { text: string } }>(...ask, "--count", "3", "--from", "alpha/kitchen");
    expect(rest.map(({ data }) => data.text).sort()).toEqual(["permanent", "transient", "unknown"]);
    const { durables } = await status("--at", "beta");
    expect(durables.find(({ node, durable }) => node === "lamp" && durable === "shell")).toMatchObject({
      pending: 0,
      unsettled: 0,
    });
    expect((await run("subscribe", "ui.", "--as", "beta/lamp")).code).toBe(64);
    expect((await run(...ask, "--from", "a/b/c")).code).toBe(64);
    expect((await run("subscribe", "nlp.", "--as", "beta/lamp", "--durable", "shell")).code).toBe(77);
  });

  test("subscribe: Ctrl-C ends it in order, with nothing left unsettled", async () => {
    const args = [
      "events",
      "subscribe",
      "ui.",
      "--as",
      "alpha/speaker",
      "--durable",
      "shell",
      "--start",
      "all",
    ];
    const child = spawn(process.execPath, [BIN, ...args], {
      env: { ...process.env, ADAOS_STATE: mesh.state },
    });
    const read = createInterface({ input: child.stdout });
    let count = 0;
    read.on("line", () => count++);
    const ended = once(child, "exit");
    await until("all are printed", () => count === 5);
    child.kill("SIGINT");
    expect(await ended).toEqual([0, null]);
    const { durables } = await status("--at", "alpha");
    expect(durables.find(({ node, durable }) => node === "speaker" && durable === "shell")).toMatchObject({
      pending: 0,
      unsettled: 0,
    });
  });

  test("status: shows a retry under way and a durable that is paused", async () => {
    const desk = await mesh.connect("beta/desk");
    const lamp = await mesh.connect("beta/lamp");
    await lamp.subscribe("ui.notify", { durable: "slow", from: { node: "desk" } }, () => {
      throw new RetryableError("much later", { retryAfterMs: 60_000 });
    });
    const { eventId } = await desk.publish("ui.notify", { text: "slow" });
    const slow = async () => (await status()).durables.find(({ durable }) => durable === "slow");
    await until("it waits for its retry", async () => (await status()).records["retrying"] === 1);
    expect(await slow()).toMatchObject({ node: "lamp", pending: 0, unsettled: 1, paused: false });
    expect((await status()).newest_failure).toMatchObject({ event_id: eventId, message: "much later" });
    expect(await lines("failed", "--node", "beta/lamp")).toEqual([]);
    const hub = await hubConnection("beta");
    const jsm = await hub.jetstreamManager();
    await jsm.consumers.pause("EVENTS_beta", "lamp_slow", new Date(Date.now() + 600_000));
    expect(await slow()).toMatchObject({ paused: true });
    expect((await run("status")).stdout).toMatch(/^beta +lamp +slow +0 +1 +\d +paused$/m);
    await jsm.consumers.resume("EVENTS_beta", "lamp_slow");
    await hub.close();
  });

  // From here on the dead letters go.
  test("retry: --dry-run changes nothing, and an id that has no dead letter is a usage error before anything is run", async () => {
    const [dry] = await lines("retry", idOf("transient"), "--dry-run");
    expect(dry).toMatchObject({ event_id: idOf("transient"), durable: "screen", dry_run: true });
    expect((await run("retry", idOf("transient"), "--dry-run")).stderr).toMatch(
      /^would run DLQ-EVENTS_beta-/,
    );
    const none = await run("retry", idOf("transient"), "EVT-20260101-000000-0123456789ab");
    expect(none.code).toBe(64);
    expect(none.stderr).toContain("EVT-20260101-000000-0123456789ab");
    expect((await status()).dead_letters).toEqual({ transient: 1, permanent: 1, unknown: 1 });
  });

  test("retry: gives the event to its handler again under a new id, warns of a permanent failure, empties the list", async () => {
    mended = true;
    const [retried] = await lines<{ new_event_id: string }>("retry", idOf("transient"));
    const newId = retried?.new_event_id;
    expect(newId).toMatch(/^EVT-/);
    expect(newId).not.toBe(idOf("transient"));
    await until("it is handled", () => handled.some(({ text }) => text === "transient"));
    expect(handled.find(({ text }) => text === "transient")).toEqual({
      id: newId,
      cause: idOf("transient"),
      key: idOf("transient"),
      text: "transient",
    });
    const [known] = await lines<Record<string, unknown>>("detail", newId ?? "");
    expect(known).toMatchObject({ event: { envelope: { causation_id: idOf("transient") } } });

    const permanent = await run("retry", idOf("permanent"));
    expect(permanent.code).toBe(0);
    expect(permanent.stderr).toMatch(/^DLQ-\S+ failed for a reason that time does not cure/);
    expect(permanent.stdout).toMatch(/^DLQ-\S+ +beta\/desk +screen +EVT-\S+\n$/);
    await until("it is handled", () => handled.some(({ text }) => text === "permanent"));
    expect((await status()).dead_letters).toEqual({ transient: 0, permanent: 0, unknown: 1 });
    expect((await run("retry", idOf("permanent"))).code).toBe(64);
  });

  test("detail: tells of a dead letter that is gone, by its record", async () => {
    const [known] = await lines<{ records: { stream: string; seq: number }[] }>("detail", idOf("permanent"));
    const [record] = known?.records ?? [];
    const id = `DLQ-${record?.stream}-${record?.seq}-desk.screen`;
    expect(await lines("detail", id)).toEqual([known]);
  });

  test("retry: a dead letter that holds no event fails, stays, and gives a code that is not 0", async () => {
    const nc = await hubConnection("beta");
    const [letter] = await lines<Record<string, unknown>>("dlq", "list");
    const broken = { ...letter, dead_letter_id: "DLQ-broken", message: { headers: {}, body_base64: "AAAA" } };
    await nc.jetstream().publish("dlq.beta.desk.screen.broken", JSON.stringify(broken));
    await nc.jetstream().publish("dlq.beta.desk.screen.none", "this is no dead letter");
    await nc.jetstream().publish("dlq.beta.desk.screen.empty", "");
    await nc.close();
    const { code, stdout, stderr } = await run("retry", "DLQ-broken", "--json");
    expect(code).toBe(65);
    expect(JSON.parse(stdout)).toMatchObject({ dead_letter_id: "DLQ-broken", error: expect.any(String) });
    expect(stderr).toMatch(/^DLQ-broken: /);
    const all = await run("dlq", "replay", "--yes", "--json");
    expect(JSON.parse(all.stdout)).toEqual({ replayed: 1, failed: 1 });
    expect(all.code).toBe(65);
    await until("the good one is handled", () => handled.some(({ text }) => text === "unknown"));
  });

  test("replay: killed in the middle and run again, it gives each event to its handler once and in order", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const lamp = await mesh.connect("beta/lamp");
    const seen: number[] = [];
    let broken = true;
    await lamp.subscribe(
      "ui.notify",
      { durable: "many", maxConcurrency: 1, from: { subnet: "alpha" } },
      (event) => {
        if (broken) throw new NonRetryableError("broken");
        seen.push(Number((event.data as { text: string }).text));
      },
    );
    const numbers = Array.from({ length: 600 }, (_, i) => i);
    await Promise.all(numbers.map((i) => kitchen.publish("ui.notify", { text: String(i) })));
    await until("all are dead letters", () => lamp.stats.deadLettered === numbers.length);
    broken = false;
    const args = ["events", "dlq", "replay", "--durable", "many", "--yes", "--rate", "100"];
    const child = spawn(process.execPath, [BIN, ...args], {
      env: { ...process.env, ADAOS_STATE: mesh.state },
    });
    const ended = once(child, "exit");
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said += String(chunk)));
    await until("it tells how far it is", () => /^\d+ of 600$/m.test(said));
    child.kill("SIGKILL");
    await ended;
    expect(seen.length).toBeLessThan(numbers.length);
    const rest = await run("dlq", "replay", "--durable", "many", "--yes", "--json");
    expect([rest.code, JSON.parse(rest.stdout)]).toEqual([0, { replayed: expect.any(Number), failed: 0 }]);
    await until("all are handled", () => seen.length >= numbers.length);
    expect(seen).toEqual(numbers);
    expect(await lines("dlq", "list", "--durable", "many")).toEqual([]);
  });

  test("a subnet that is away: status tells of the others and of it, everything else gives 69", async () => {
    const layout = JSON.parse(readFileSync(join(mesh.state, "mesh.json"), "utf8")) as {
      servers: { of: string; url: string }[];
    };
    const before = JSON.stringify(layout);
    const servers = layout.servers.map((server) =>
      server.of === "beta" ? { ...server, url: "nats://127.0.0.1:1" } : server,
    );
    writeFileSync(join(mesh.state, "mesh.json"), JSON.stringify({ ...layout, servers }));
    try {
      const { code, stdout, stderr } = await run("status", "--json");
      expect([code, stderr]).toEqual([69, ""]);
      const told = JSON.parse(stdout) as Status;
      expect(told.unreachable).toEqual([{ subnet: "beta", reason: expect.stringContaining("127.0.0.1:1") }]);
      expect(told.durables.map(({ subnet }) => subnet)).toContain("alpha");
      expect((await run("failed")).code).toBe(69);
    } finally {
      writeFileSync(join(mesh.state, "mesh.json"), before);
    }
  });
});
