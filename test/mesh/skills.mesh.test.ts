import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bus, Envelope } from "@adaos/core";
import { readLayout } from "@adaos/provision";
import type { SkillStatus } from "@adaos/skills";
import { askHealth } from "@adaos/supervise";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { HOME, leftovers, TestMesh, until } from "../kit/mesh.ts";
import { ANSWER, handling, MANIFEST, MESH } from "../kit/skill-texts.ts";

const REGISTRY = join(HOME, "schemas/events");

let mesh: TestMesh;
let kitchen: Bus;
const notified: Envelope<{ text: string }>[] = [];

beforeAll(async () => {
  mesh = await TestMesh.start({ yaml: MESH });
  mkdirSync(join(mesh.dir, "skills"));
  mkdirSync(join(mesh.dir, "sources"));
  kitchen = await mesh.connect("alpha/kitchen");
  await kitchen.subscribe("ui.notify@1", { durable: "seen" }, (event) => {
    notified.push(event as Envelope<{ text: string }>);
  });
});
afterAll(() => mesh.stop());

/** Writes a skill into the folder that the member's entry names. */
function write(name: string, handler: string, manifest = MANIFEST): string {
  const folder = join(mesh.dir, "skills", name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "skill.yaml"), manifest);
  writeFileSync(join(folder, "index.mjs"), handler);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function statusOf(name: string): Promise<SkillStatus | undefined> {
  const { components } = await askHealth(readLayout(mesh.state), mesh.state);
  const { details } = components.find((one) => one.name === "alpha/worker") ?? {};
  const { skills = [] } = (details?.["skills"] ?? {}) as { skills?: readonly SkillStatus[] };
  return skills.find((skill) => skill.name === name);
}

async function untilState(name: string, state: SkillStatus["state"], limitMs?: number): Promise<SkillStatus> {
  let last: SkillStatus | undefined;
  await until(
    `skill ${name} is ${state}`,
    async () => {
      last = await statusOf(name);
      return last?.state === state;
    },
    limitMs,
  );
  return last as SkillStatus;
}

const say = (intent: string) =>
  kitchen.publish("nlp.intent.detected@1", { intent, slots: {}, locale: "en-GB" });
const heard = (text: string): number => notified.filter(({ data }) => data.text === text).length;
const logOf = (name: string): string =>
  readFileSync(join(mesh.state, "skills/alpha_worker/logs", `${name}.log`), "utf8");

describe("a skill of a member", () => {
  test("handles an event; what it publishes is caused by it and names the skill", async () => {
    write("greeter", handling(`ctx.log.info("heard", { intent: event.data.intent });\n${ANSWER}`));
    await untilState("greeter", "running");
    const { eventId } = await say("lights.on");
    await until("the answer", () => heard("greeter lights.on") === 1);
    const [answer] = notified.filter(({ data }) => data.text === "greeter lights.on");
    expect(answer).toMatchObject({ causation_id: eventId, correlation_id: eventId });
    expect(answer?.source).toMatch(/^skill\.greeter@/);
    expect(logOf("greeter")).toContain('"message":"heard","fields":{"intent":"lights.on"}');
  });

  test("may not publish what its file does not declare, nor what policy denies", async () => {
    const manifest = MANIFEST.replace("[ui.notify@1]", "[ui.notify@1, scenario.run@1]");
    write(
      "greedy",
      handling(`
        const code = (error) => error.code;
        const undeclared = await ctx.publish("timer.tick@1", {}).catch(code);
        const denied = await ctx.publish("scenario.run@1", { name: "x" }).catch(code);
        await ctx.publish("ui.notify@1", { text: "greedy " + undeclared + " " + denied });`),
      manifest,
    );
    const { reason } = await untilState("greedy", "running");
    expect(reason).toMatch(/skill.yaml:4:26 policy does not let alpha\/worker publish scenario.run@1/);
    await say("x.y");
    await until("the answer", () => heard("greedy denied denied") === 1);
  });

  test("that is killed in a handler handles the event again, and its event is stored once", async () => {
    write(
      "mortal",
      handling(`${ANSWER}\nif (ctx.attempt === 1) await new Promise(() => undefined);\n${ANSWER}`),
    );
    const { pid } = await untilState("mortal", "running");
    await say("kill.me");
    await until("the first attempt has published", () => heard("mortal kill.me") === 1);
    process.kill(pid ?? 0, "SIGKILL");
    await until("the second attempt has published", () => heard("mortal kill.me") === 2);
    const ids = notified.filter(({ data }) => data.text === "mortal kill.me").map(({ event_id }) => event_id);
    // Two calls with the same data are two events; the second attempt repeats the first of them under its id.
    expect(new Set(ids).size).toBe(2);
    expect(await untilState("mortal", "running")).toMatchObject({ restarts: 1 });
    await until("it is settled", async () => (await statusOf("mortal"))?.in_hand === 0);
    expect(heard("mortal kill.me")).toBe(2);
  });

  test("is loaded anew when it is saved, and a version that cannot be loaded leaves the earlier one", async () => {
    const folder = write("edited", handling(ANSWER));
    await untilState("edited", "running");
    writeFileSync(join(folder, "index.mjs"), handling("const x = ;"));
    await until("the fault is told", async () => (await statusOf("edited"))?.reason !== null);
    const { reason, state } = (await statusOf("edited")) as SkillStatus;
    expect(state).toBe("running");
    expect(reason).toMatch(/cannot be loaded: .*edited\/index.mjs:2 SyntaxError/);
    await say("still.there");
    await until("the earlier version answers", () => heard("edited still.there") === 1);
    writeFileSync(join(folder, "index.mjs"), handling(ANSWER.replace("ctx.skill", "'new'")));
    await until("the new version", async () => (await statusOf("edited"))?.reason === null);
    await say("again.now");
    await until("the new version answers", () => heard("new again.now") === 1);
    expect(heard("edited again.now")).toBe(0);
  });
});

describe("an idle skill", () => {
  test.skipIf(process.platform !== "linux")("takes less than 45 MB", async () => {
    write("idle", handling(ANSWER));
    const { pid } = await untilState("idle", "running");
    // 41 MB resident, 7 MB of them its own beside other processes of Node (20.20).
    const [, rss] = /^Rss: +(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8")) ?? [];
    expect(Number(rss) * 1024).toBeLessThan(45_000_000);
  });
});

describe("a skill in Python", () => {
  // A machine needs only Node and git for the tests; Python is there or not.
  test.skipIf(spawnSync("python3", ["--version"]).status !== 0)("runs as any other", async () => {
    const folder = join(mesh.dir, "skills/intents");
    cpSync(join(HOME, "examples/skills/intents"), folder, { recursive: true });
    onTestFinished(() => rmSync(folder, { recursive: true }));
    await untilState("intents", "running");
    await say("in.python");
    await until("it answers", () => heard("in.python: 1") === 1);
    expect(logOf("intents")).toContain('"message":"counted"');
  });
});

describe("a skill that policy denies its events", () => {
  test("is refused with its line, and runs when policy allows them", async () => {
    write(
      "denied",
      `export const handlers = { "scenario.completed@1": () => undefined };`,
      "version: 1.0.0\nevents:\n  subscribe: [scenario.completed@1]\n",
    );
    const { reason } = await untilState("denied", "refused");
    expect(reason).toMatch(/denied\/skill.yaml:3:14 .*scenario.completed@1/);
    mesh.configure(MESH.replace("timer., repo.]", "timer., repo., scenario.]"));
    expect((await mesh.ask(["policy", "apply", "--config", mesh.configFile, "--yes"])).code).toBe(0);
    await untilState("denied", "running", 60_000);
    mesh.configure(MESH);
    expect((await mesh.ask(["policy", "apply", "--config", mesh.configFile, "--yes"])).code).toBe(0);
    await until("it says that its events are denied again", async () =>
      /skill.yaml:3:15 .* subscribe scenario.completed@1/.test((await statusOf("denied"))?.reason ?? ""),
    );
  });
});

describe("a bad skill", () => {
  beforeAll(async () => {
    const folder = join(mesh.dir, "skills/good");
    mkdirSync(folder);
    writeFileSync(join(folder, "skill.yaml"), MANIFEST);
    writeFileSync(join(folder, "index.mjs"), handling(ANSWER));
    await untilState("good", "running");
  });

  async function othersAnswer(intent: string): Promise<void> {
    const { pid, restarts } = await untilState("good", "running");
    await say(intent);
    await until("another skill answers", () => heard(`good ${intent}`) === 1);
    expect(await statusOf("good")).toMatchObject({ pid, restarts });
    expect((await mesh.health()).ready).toBe(true);
  }

  test("with an unknown key is refused with its line and the key that was meant", async () => {
    write("unknown", handling(ANSWER), MANIFEST.replace("publish:", "pubish:"));
    const { reason } = await untilState("unknown", "refused");
    expect(reason).toMatch(/unknown\/skill.yaml:4:3 .*unknown key "pubish"; did you mean publish\?/);
    await othersAnswer("a.one");
  });

  test("that throws at load is told with file and line, and tried again", async () => {
    write("thrower", `\nthrow new Error("no config");\n`);
    const { reason } = await untilState("thrower", "waiting");
    expect(reason).toMatch(/cannot be loaded: .*thrower\/index.mjs:2 Error: no config/);
    await othersAnswer("a.two");
  });

  test("whose handlers are not those of its file is refused", async () => {
    write("other", "export const handlers = {};");
    const { reason } = await untilState("other", "refused");
    expect(reason).toMatch(/other\/skill.yaml:3:15 nlp.intent.detected@1 has no handler/);
    await othersAnswer("a.three");
  });

  test("that blocks its loop is killed and started again", async () => {
    write("blocked", handling("for (;;);"));
    const { pid } = await untilState("blocked", "running");
    await say("block.it");
    await othersAnswer("a.four");
    await until(
      "it is killed",
      async () =>
        (await statusOf("blocked"))?.pid !== pid && /has not answered for 10 s/.test(logOf("blocked")),
    );
  });

  test("that prints megabytes has a bounded log, which says what is missing", async () => {
    write("chatty", handling("for (let i = 0; i < 60000; i++) console.log('x'.repeat(100));"));
    await untilState("chatty", "running");
    await say("print.it");
    await othersAnswer("a.five");
    await until("lines are dropped", async () => ((await statusOf("chatty"))?.dropped_lines ?? 0) > 1000);
    await say("print.it");
    await until("it is told", () => /lines were dropped here/.test(logOf("chatty")));
    expect(logOf("chatty").length).toBeLessThan(5 * 1024 * 1024);
  });

  test("that eats memory is killed at its limit", async () => {
    write(
      "eater",
      handling(
        "globalThis.held ??= []; for (;;) { held.push(Buffer.alloc(1048576, 1)); await new Promise((r) => setTimeout(r, 5)); }",
      ),
      `${MANIFEST}memory_mb: 96\n`,
    );
    await untilState("eater", "running");
    await say("eat.it");
    await othersAnswer("a.six");
    await until("it is killed", () => /uses \d+ MiB, its limit is 96/.test(logOf("eater")));
  });

  test("that floods the daemon with messages waits itself", async () => {
    write(
      "flooder",
      handling(
        "for (;;) { for (let i = 0; i < 1000; i++) ctx.log.info('x'); await new Promise(setImmediate); }",
      ),
    );
    await untilState("flooder", "running");
    await say("flood.it");
    await until("lines are dropped", async () => ((await statusOf("flooder"))?.dropped_lines ?? 0) > 1000);
    const beganMs = performance.now();
    await othersAnswer("a.eight");
    expect(performance.now() - beganMs).toBeLessThan(5000);
  });

  test("whose process has started others ends with them", async () => {
    write(
      "parent",
      handling(
        "const { spawn } = await import('node:child_process');\nconst { pid } = spawn('sleep', ['1000'], { stdio: 'inherit' });\nawait ctx.publish('ui.notify@1', { text: 'child ' + pid });",
      ),
    );
    const { pid } = await untilState("parent", "running");
    await say("have.child");
    await until("it has a child", () => notified.some(({ data }) => data.text.startsWith("child ")));
    const child = Number(notified.find(({ data }) => data.text.startsWith("child "))?.data.text.slice(6));
    process.kill(pid ?? 0, "SIGKILL");
    await until("both have ended", async () => (await leftovers([pid ?? 0, child], [])).length === 0);
    await until("it runs again", async () => ((await statusOf("parent"))?.pid ?? pid) !== pid);
    await othersAnswer("a.nine");
  });

  test("that never returns is told as failed, and the event becomes a dead letter", async () => {
    write("endless", handling("await new Promise(() => undefined);"), `${MANIFEST}timeout: 1s\n`);
    await untilState("endless", "running");
    const { eventId } = await say("wait.forever");
    await othersAnswer("a.seven");
    await until(
      "the dead letter",
      async () => {
        const { stdout } = await mesh.ask(["events", "dlq", "list", "--json"]);
        return stdout.includes(eventId) && stdout.includes("skill-endless-");
      },
      60_000,
    );
    expect((await statusOf("endless"))?.restarts).toBe(0);
  });
});

describe("repo.skill.install@1", () => {
  const installed: unknown[] = [];
  const install = async (data: object): Promise<unknown> =>
    (await kitchen.request("repo.skill.install@1", data as never, { timeoutMs: 30_000 })).data;

  test("installs from an allowed folder, tells it once, and the skill runs", async () => {
    await kitchen.subscribe("repo.skill.installed@1", { durable: "installed" }, ({ data }) => {
      installed.push(data);
    });
    const folder = join(mesh.dir, "sources/guest");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "skill.yaml"), `name: guest\n${MANIFEST}`);
    writeFileSync(join(folder, "index.mjs"), handling(ANSWER));
    const { stdout } = await mesh.adaos(["skill", "check", folder, "--registry", REGISTRY, "--json"]);
    const { digest } = (JSON.parse(stdout) as { skills: { digest: string }[] }).skills[0] ?? {};
    expect(await install({ skill: "guest", digest })).toEqual({
      skill: "guest",
      status: "installed",
      version: "1.0.0",
    });
    await untilState("guest", "running");
    await say("for.guest");
    await until("the installed skill answers", () => heard("guest for.guest") === 1);
    expect(await install({ skill: "guest", digest })).toMatchObject({ status: "unchanged" });
    expect(installed).toEqual([{ skill: "guest", version: "1.0.0" }]);
  });

  test("refuses what the network has, and what lies elsewhere", async () => {
    const digest = `sha256:${"0".repeat(64)}`;
    const asked = { skill: "other", digest };
    expect(await install({ ...asked, source: "https://example.org/other.tgz" })).toMatchObject({
      status: "failed",
      error: { code: "not-local" },
    });
    expect(await install({ ...asked, source: "file:///etc/passwd" })).toMatchObject({
      error: { code: "not-allowed" },
    });
  });
});

describe("adaos skill", () => {
  test("disables a skill, whose events wait until it is enabled", async () => {
    write("sleeper", handling(ANSWER));
    await untilState("sleeper", "running");
    expect((await mesh.adaos(["skill", "disable", "sleeper"])).stdout).toBe(
      "disabled sleeper of alpha/worker\n",
    );
    await say("wake.up");
    expect((await mesh.adaos(["skill", "list", "--json"])).stdout).toContain('"state":"disabled"');
    expect(heard("sleeper wake.up")).toBe(0);
    const { stdout } = await mesh.adaos(["skill", "enable", "sleeper", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ enabled: true, changed: true, in_force: true });
    await until("it answers", () => heard("sleeper wake.up") === 1);
    expect((await mesh.adaos(["skill", "logs", "sleeper", "-n", "1"])).stdout).toContain("skill started");
    const wrong = await mesh.adaos(["skill", "logs", "slepper"]);
    expect(wrong).toMatchObject({ code: 64, stderr: expect.stringContaining("did you mean sleeper?") });
  });

  test("run loads a saved skill anew", async () => {
    const folder = join(mesh.dir, "dev/devel");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "skill.yaml"), MANIFEST);
    writeFileSync(join(folder, "index.mjs"), handling(ANSWER));
    const { child, result } = mesh.begin(["skill", "run", folder, "--as", "alpha/worker"]);
    let told = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      told += chunk.toString();
    });
    await until("it runs", () => told.includes("skill started"));
    const savedMs = performance.now();
    writeFileSync(join(folder, "index.mjs"), handling(ANSWER.replace("ctx.skill", "'saved'")));
    await until("it is loaded anew", () => told.includes("skill loaded anew"));
    // 230 to 440 ms on two cores; other tests run beside this one.
    expect(performance.now() - savedMs).toBeLessThan(2000);
    await say("for.devel");
    await until("the saved version answers", () => heard("saved for.devel") === 1);
    child.kill("SIGINT");
    expect((await result).code).toBe(0);
  });
});

describe("the processes of skills", () => {
  test("end with a daemon that is killed, and its successor has new ones", async () => {
    write("survivor", handling(ANSWER));
    const { pid } = await untilState("survivor", "running");
    const daemon = mesh.pid("alpha/worker");
    process.kill(daemon, "SIGKILL");
    await until("the daemon is back", () => mesh.isReplaced("alpha/worker", daemon));
    await untilState("survivor", "running");
    await until("the earlier process has ended", async () => (await leftovers([pid ?? 0], [])).length === 0);
    await say("after.all");
    await until("it answers", () => heard("survivor after.all") === 1);
  });
});
