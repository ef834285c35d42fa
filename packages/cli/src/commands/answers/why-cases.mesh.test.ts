import { type Bus, NonRetryableError } from "@adaos/client";
import { newEventId } from "@adaos/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../../../../../test/kit/mesh.ts";
import { ERRORS, HANDLERS } from "../../../../../test/kit/why-handlers.ts";
import {
  casesAt,
  DAY_MS,
  holding,
  INTENT,
  NO_RULE,
  NOTE,
  now,
  rule,
  subscribe,
  YAML,
} from "../../../../../test/kit/why-mesh.ts";
import { WhyScene } from "../../../../../test/kit/why-scene.ts";
import { runCommandLine } from "../../command-line.ts";
import { styles } from "../../terminal/terminal.ts";

/** Runs `adaos` in this process. Its exit code is that of the question, and not the test's. */
async function run(args: readonly string[]): Promise<string> {
  const lines: string[] = [];
  const before = process.exitCode;
  const out = (line: string): void => void lines.push(line);
  try {
    await runCommandLine(args, { out, say: () => undefined, outIsTty: false, colors: styles(false) });
  } finally {
    process.exitCode = before;
  }
  return lines.join("\n");
}

describe("adaos why, by a hundred cases on a real mesh", () => {
  let mesh: TestMesh;
  let scene: WhyScene;
  let kitchen: Bus;
  let desk: Bus;
  let speaker: Bus;

  const published = async (name: string, data: unknown, bus = kitchen): Promise<string> =>
    (await bus.publish(name, data)).eventId;
  const notify = (text: string, bus = kitchen): Promise<string> => published("ui.notify", { text }, bus);

  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: YAML });
    process.env["ADAOS_STATE"] = mesh.state;
    scene = new WhyScene(mesh, run);
    kitchen = await mesh.connect("alpha/kitchen");
    desk = await mesh.connect("beta/desk");
    speaker = await mesh.connect("alpha/speaker");
  });
  afterAll(async () => {
    delete process.env["ADAOS_STATE"];
    await mesh.stop();
  });

  test("an event stands at each durable as its handler has it, here and in another subnet", async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = { durable: "slow", verdict: "lagging", handle: () => released };
    const gone = { durable: "gone", verdict: "node down", handle: () => undefined };
    for (const as of ["beta/desk", "alpha/speaker"]) {
      const passing = await mesh.connect(as);
      await subscribe(passing, [gone]);
      await passing.close();
    }
    await subscribe(desk, [...HANDLERS, slow, ...ERRORS]);
    await subscribe(speaker, [...HANDLERS, slow]);
    const id = await notify("all");
    const both = [...HANDLERS, slow, gone];
    const some = both.filter(({ durable }) => /^(good|patient|broken|slow|gone)$/.test(durable));
    const versioned = "ui.notify@1 --from alpha/kitchen --to alpha/speaker";
    const backByName = "ui.notify --from beta/desk --to alpha/kitchen";
    try {
      await scene.expect([
        ...casesAt("beta/desk", [...both, ...ERRORS], id, "by id, of another subnet"),
        ...casesAt("alpha/speaker", both, id, "by id, of the same subnet"),
        ...casesAt("beta/desk", some, `${NOTE} beta/desk`, "by name"),
        ["what its own node keeps", id, "delivered @ alpha/kitchen/journal-ui"],
        ["one member alone", `${id} --to beta/lamp`, "delivered @ beta/lamp/journal-ui"],
        ["a version", versioned, "delivered @ alpha/speaker/good"],
      ]);
    } finally {
      release();
    }
    const back = await notify("back", desk);
    await scene.expect([
      ["back, by id", back, "delivered @ alpha/speaker/good"],
      ["back, by name", backByName, "delivered @ alpha/kitchen/journal-ui"],
      ["to its own subnet", `${back} --to beta/lamp`, "delivered @ beta/lamp/journal-ui"],
    ]);
  });

  test("denied at each hop, by whose rule", async () => {
    await expect(desk.publish("nlp.intent.detected", INTENT)).rejects.toMatchObject({ code: "denied" });
    const skill = await published("repo.skill.installed", { skill: "weather", version: "1" });
    const intent = await published("nlp.intent.detected", INTENT);
    const done = await published("scenario.completed", { name: "morning", status: "succeeded" });
    const order = await published("scenario.run", { name: "morning" });
    const note = await notify("for all");
    const desks = "denied @ beta/desk";
    const porch = "denied @ gamma/porch";
    const bySpeaker = { ...NO_RULE, hop: "publish alpha/speaker" };
    const byExport = { ...NO_RULE, hop: "export alpha" };
    const byImport = { ...NO_RULE, hop: "import gamma" };
    const byTalk = { ...rule("no-talk"), hop: "import beta" };
    const bySubscribe = { ...NO_RULE, hop: "subscribe beta/desk" };
    const ask = (name: string, from: string, to: string): string => `${name} --from ${from} --to ${to}`;
    const nearby = ask("timer.tick", "alpha/speaker", "alpha/kitchen");
    const tried = ask("nlp.intent.detected", "beta/desk", "alpha/speaker");
    await scene.expect([
      ["publish", ask("timer.tick", "alpha/speaker", "beta/desk"), desks, bySpeaker],
      ["publish, nearby", nearby, "denied @ alpha/kitchen", bySpeaker],
      ["publish, tried", tried, "denied @ alpha/speaker", NO_RULE],
      ["publish, a rule", ask("scenario.completed", "beta/lamp", "beta/desk"), desks, rule("quiet-lamp")],
      ["export", `${skill} --to beta/desk`, desks, byExport],
      ["export, by name", ask("repo.skill.installed", "alpha/kitchen", "beta/desk"), desks, byExport],
      ["export, a rule", `${order} --to beta/desk`, desks, rule("no-runs-out")],
      ["import", `${note} --to gamma/porch`, porch, byImport],
      ["import, by name", `${NOTE} gamma/porch`, porch, byImport],
      ["import, a rule", `${intent} --to beta/desk`, desks, byTalk],
      ["import, a rule, by name", ask("nlp.intent.detected", "alpha/kitchen", "beta/desk"), desks, byTalk],
      ["subscribe", `${done} --to beta/desk`, desks, bySubscribe],
      ["subscribe, by name", ask("scenario.completed", "alpha/kitchen", "beta/desk"), desks, bySubscribe],
      ["not denied nearby", skill, "delivered @ alpha/speaker/journal-repo"],
      ["not denied to others", intent, "delivered @ alpha/speaker/journal-nlp"],
    ]);
  });

  test("what was never stored: never published, invalid, rate-limited", async () => {
    await notify("an hour ago");
    const storedMs = Date.now();
    // The time includes events that were stored in the same millisecond.
    await until("the clock has gone on", () => Date.now() > storedMs);
    const since = now();
    const lamp = await mesh.connect("beta/lamp");
    await expect(lamp.publish("ui.notify", { text: 7 as never })).rejects.toMatchObject({
      code: "invalid-event",
    });
    await lamp.close();
    const porch = await mesh.connect("gamma/porch");
    const large = { ...INTENT, slots: { text: "x".repeat(300_000) } };
    await expect(porch.publish("nlp.intent.detected", large)).rejects.toMatchObject({ code: "too-large" });
    await porch.close();
    const limits = [{ events: "ui.", eventsPerSecond: 0.001 }];
    const limited = await scene.withFile("alpha/speaker", (file) => ({ ...file, limits }));
    await limited.publish("ui.notify", { text: "the one that it may" }).catch(() => undefined);
    const later = now();
    await expect(notify("one too many", limited)).rejects.toMatchObject({ code: "backpressure" });
    // The counts are stored when the connection closes.
    await limited.close();
    const bySpeaker = `ui.notify --from alpha/speaker --to beta/desk --since ${later}`;
    const byLamp = "ui.notify --from beta/lamp --to beta/desk";
    const byPorch = "nlp.intent.detected --from gamma/porch --to alpha/speaker";
    const unspoken = "ui.unspoken --from alpha/kitchen --to beta/desk";
    const version = "ui.notify@7 --from alpha/kitchen --to beta/desk";
    const never = "timer.tick --from alpha/kitchen --to alpha/speaker";
    await scene.expect([
      ["not since then", `${NOTE} beta/desk --since ${since}`, "never published @ beta/desk"],
      ["not at all", never, "never published @ alpha/speaker", { hop: "publish alpha/kitchen" }],
      ["an unknown event", unspoken, "invalid @ beta/desk", { by: "unknown-event" }],
      ["an unknown version", version, "invalid @ beta/desk", { by: "unknown-event" }],
      ["against its schema", byLamp, "invalid @ beta/desk", { by: "invalid-event" }],
      ["too large", byPorch, "invalid @ alpha/speaker", { by: "too-large" }],
      ["beyond its limits", bySpeaker, "rate-limited @ beta/desk", { by: "backpressure" }],
    ]);
  });

  test("what no library has published: parked, invalid, unsigned, in another's name", async () => {
    await speaker.subscribe("ui.", { durable: "ears" }, () => undefined);
    await desk.subscribe("ui.", { durable: "eyes" }, () => undefined);
    const unheard = await scene.publishRaw("ui.unheard", { n: 1 });
    const broken = await scene.publishRaw("ui.notify", { text: 7 });
    const foreign = await scene.publishRaw("ui.notify", { text: "x" }, { tenant: "somebody" });
    const forged = await scene.publishRaw("ui.notify", { text: "x" }, { source: "test@speaker" });
    const unsigned = await scene.publishRaw("ui.notify", { text: "x" }, { as: "gamma/porch" });
    const atGamma = { hop: holding("gamma") };
    const log = { place: expect.stringMatching(/root.*\.log:\d+$/) as string };
    await scene.expect([
      ["no schema here", unheard, "parked @ alpha/speaker/ears", { by: "unknown-event" }],
      ["no schema there", unheard, "parked @ beta/desk/eyes", { by: "unknown-event" }],
      ["against the contract, here", broken, "invalid @ alpha/speaker/ears"],
      ["against the contract, there", broken, "invalid @ beta/desk/eyes"],
      ["another tenant's", `${foreign} --to beta/desk`, "denied @ beta/desk", { by: "tenant" }],
      ["another node's", `${forged} --to beta/desk`, "invalid @ beta/desk", log],
      ["unsigned, at the link", `${unsigned} --to beta/desk`, "denied @ beta/desk", atGamma],
      ["unsigned, at a handler", `${unsigned} --to gamma/porch`, "denied @ gamma/porch/journal-ui"],
    ]);
  });

  test("in outbox, as long as the hub is away", async () => {
    const server = (file: Record<string, unknown>): object => ({
      ...file,
      server: { ...(file["server"] as object), url: "nats://127.0.0.1:1" },
    });
    const cutOff = await scene.withFile("alpha/kitchen", server);
    const { eventId: id, stream } = await cutOff.publish("ui.notify", { text: "later" });
    expect(stream).toBe("outbox");
    const wanted = { hop: "publish alpha/kitchen", next: "adaos status" };
    await scene.expect([
      ["for another subnet", `${id} --to beta/desk`, "in outbox @ beta/desk", wanted],
      ["for its own subnet", `${id} --to alpha/speaker`, "in outbox @ alpha/speaker", wanted],
      ["by name, in outbox", `${NOTE} beta/lamp`, "in outbox @ beta/lamp", wanted],
    ]);
    await cutOff.close();
    await scene.expect([
      ["whose program has ended", `${id} --to beta/lamp`, "in outbox @ beta/lamp", wanted],
    ]);
  });

  test("what durables there are: none for it, none before it, none served", async () => {
    const early = await notify("early");
    const lamp = await mesh.connect("beta/lamp");
    await lamp.subscribe("ui.notify", { durable: "bulb" }, () => undefined);
    await lamp.close();
    await speaker.subscribe("ui.notify", { durable: "late" }, () => undefined);
    const dark = await notify("dark");
    const unheard = await scene.publishRaw("ui.unheard", { n: 2 });
    await scene.expect([
      ["begins behind it", early, "no durable @ beta/lamp/bulb"],
      ["begins behind it, nearby", early, "no durable @ alpha/speaker/late"],
      ["nobody serves it", `${dark} --to beta/lamp`, "node down @ beta/lamp/bulb"],
      ["nobody serves it, by name", `${NOTE} beta/lamp`, "node down @ beta/lamp/bulb"],
    ]);
    const takes = { reason: holding("beta/lamp/bulb takes ui.notify") };
    const replay = scene.verdicts.find(({ to }) => to === "alpha/speaker/late")?.next ?? "";
    expect(replay).toMatch(
      /^adaos events replay ui\.notify@1 --at alpha --to speaker\/late --since .* --dry-run$/,
    );
    const replayed = await mesh.adaos(replay.split(" ").slice(1));
    expect(replayed.code, replayed.stderr).toBe(0);
    // They would make them anew.
    await scene.whileFrozen(["beta/lamp", "beta/hub"], async () => {
      await scene.deleteDurable("beta", "lamp_journal-ui");
      await scene.expect([
        ["another pattern", `${unheard} --to beta/lamp`, "not subscribed @ beta/lamp", takes],
      ]);
      await scene.deleteDurable("beta", "lamp_bulb");
      await scene.expect([["all durables are gone", `${dark} --to beta/lamp`, "no durable @ beta/lamp"]]);
    });
    const again = await notify("again");
    await scene.expect([["a durable that came back", again, "delivered @ beta/desk/eyes"]]);
  });

  test("dead letters that were retried or purged meanwhile", async () => {
    let isCured = false;
    await desk.subscribe("ui.notify", { durable: "healed" }, () => {
      if (!isCured) throw new NonRetryableError("not cured");
    });
    const [first, second] = [await notify("to retry"), await notify("to purge")];
    const dead = "dead letter @ beta/desk/healed";
    await scene.expect([
      ["a dead letter", first, dead, { next: `adaos events retry ${first}` }],
      ["another dead letter", second, dead, { next: `adaos events retry ${second}` }],
    ]);
    isCured = true;
    const retried = await mesh.ask(["events", "retry", first]);
    expect(retried.code, retried.stderr).toBe(0);
    const purged = await mesh.ask(["events", "dlq", "purge", "--at", "beta", "--older-than", "0", "--yes"]);
    expect(purged.code, purged.stderr).toBe(0);
    const gone = { reason: holding("run again or purged") };
    await scene.expect([
      ["a dead letter that was run again", first, dead, gone],
      ["a dead letter that was purged", second, dead, gone],
    ]);
  });

  test("while a daemon or a server stands still", async () => {
    const before = await notify("before");
    await scene.expect([["before anything hangs", before, "delivered @ beta/desk/good"]]);
    const up = { hop: "link up alpha" };
    const down = { hop: "link down beta" };
    await scene.whileFrozen(["root"], async () => {
      const id = await notify("stuck");
      await scene.expect([
        ["root hangs", `${id} --to beta/desk`, "waiting at a link @ beta/desk", up],
        ["root hangs, by name", `${NOTE} beta/desk`, "waiting at a link @ beta/desk", up],
        ["root hangs, nearby", `${id} --to alpha/speaker`, "delivered @ alpha/speaker/good"],
      ]);
    });
    await scene.whileFrozen(["nats-beta"], async () => {
      const id = await notify("stuck");
      const hop = { hop: "EVENTS_beta" };
      const back = "ui.notify --from beta/desk --to alpha/speaker";
      await scene.expect([
        ["the target hangs", `${id} --to beta/desk`, "waiting at a link @ beta/desk", down],
        ["the target hangs, by name", `${NOTE} beta/desk`, "waiting at a link @ beta/desk", down],
        ["the publisher hangs, by name", back, "node down @ alpha/speaker", hop],
        ["another hangs", `${id} --to alpha/speaker`, "delivered @ alpha/speaker/good"],
      ]);
    });
    await scene.whileFrozen(["nats-root"], async () => {
      const id = await notify("stuck");
      await scene.expect([
        ["the root's server hangs", `${id} --to beta/desk`, "waiting at a link @ beta/desk", up],
      ]);
    });
    await scene.whileFrozen(["nats-alpha"], async () => {
      await scene.expect([
        ["its own server hangs", `${before} --to beta/desk`, "delivered @ beta/desk/good"],
      ]);
    });
  });

  test("after processes were killed, and from clocks that differ", async () => {
    const dead = await notify("dead");
    await scene.expect([["before the kill", dead, "dead letter @ beta/desk/broken"]]);
    const names = ["beta/hub", "root", "alpha/hub"];
    const pids = names.map((name) => mesh.pid(name));
    for (const pid of pids) process.kill(pid, "SIGKILL");
    await until(
      "they are others",
      () => names.every((name, i) => mesh.isReplaced(name, pids[i] ?? 0)),
      60_000,
    );
    await until("the mesh is ready", () => mesh.isReady(), 60_000);
    const madeAt = (ms: number): Promise<string> =>
      scene.publishRaw("ui.notify", { text: "x" }, { id: newEventId(ms), ts: new Date(ms).toISOString() });
    await scene.expect([
      ["killed: a dead letter", dead, "dead letter @ beta/desk/broken"],
      ["killed: what is retried", dead, "retrying @ beta/desk/patient"],
      ["killed: what was handled", dead, "delivered @ alpha/speaker/good"],
      ["a clock a day behind", await madeAt(Date.now() - DAY_MS), "delivered @ beta/desk/good"],
      ["a clock half a minute ahead", await madeAt(Date.now() + 30_000), "delivered @ beta/desk/good"],
    ]);
  });

  test("when policy has changed since", async () => {
    const before = await notify("before the change");
    await scene.expect([["before policy changed", before, "delivered @ beta/desk/good"]]);
    const changed = YAML.replace("lamp: { publish: [ui.], subscribe: [ui.] }", "lamp: { publish: [ui.] }");
    mesh.configure(changed.replace("export: [nlp., ui., scenario.]", "export: [nlp., scenario.]"));
    const apply = async (): Promise<void> => {
      const { code, stderr } = await mesh.ask(["policy", "apply", "--yes"]);
      expect(code, stderr).toBe(0);
    };
    await apply();
    const after = await notify("after the change");
    const quiet = await notify("quiet", desk);
    const closed = { hop: "export alpha", ...NO_RULE };
    const byName = "ui.notify --from beta/desk --to beta/lamp";
    await scene.expect([
      ["delivered, though denied now", before, "delivered @ beta/desk/good"],
      ["export is closed", `${after} --to beta/desk`, "denied @ beta/desk", closed],
      ["export is closed, by name", `${NOTE} beta/desk`, "denied @ beta/desk", closed],
      ["policy stops it", `${quiet} --to beta/lamp`, "paused @ beta/lamp/journal-ui", NO_RULE],
      ["policy stops it, by name", byName, "paused @ beta/lamp/journal-ui"],
    ]);
    mesh.configure(YAML);
    await apply();
    await scene.expect([
      ["policy lets it go on", `${quiet} --to beta/lamp`, "delivered @ beta/lamp/journal-ui"],
    ]);
  });

  test("expired, where a stream has dropped it; what is further on has it still", async () => {
    const old = await notify("old");
    const fresh = await notify("new");
    await scene.expect([
      ["while it is there", old, "delivered @ beta/desk/good"],
      ["what came behind it", fresh, "delivered @ beta/desk/good"],
    ]);
    // They would take this for a loss, and bring back what is gone.
    await scene.whileFrozen(["beta/hub", "alpha/hub", "root"], async () => {
      await scene.keepLast("alpha");
      await scene.expect([
        ["gone at its origin alone", `${old} --to beta/desk`, "delivered @ beta/desk/good"],
        ["gone nearby", `${old} --to alpha/speaker`, "expired @ alpha/speaker", { hop: "EVENTS_alpha" }],
      ]);
      await scene.keepLast("beta");
      await scene.expect([
        ["gone there", `${old} --to beta/desk`, "expired @ beta/desk", { hop: "EVENTS_beta" }],
      ]);
    });
  });

  test("rate-limited, where a member has filled its share of the stream", async () => {
    const porch = await mesh.connect("gamma/porch", { outbox: false });
    const since = now();
    const big = { ...INTENT, slots: { text: "x".repeat(200_000) } };
    const fill = async (): Promise<void> => {
      for (let i = 0; i < 40; i++) await porch.publish("nlp.intent.detected", big);
    };
    await expect(fill()).rejects.toMatchObject({ name: "MeshError" });
    const asked = `ui.notify --from gamma/porch --to gamma/porch --since ${since}`;
    await scene.expect([["more than its share", asked, "rate-limited @ gamma/porch"]]);
  });

  test("these were a hundred cases", () => {
    expect(scene.asked.size).toBeGreaterThanOrEqual(100);
  });
});
