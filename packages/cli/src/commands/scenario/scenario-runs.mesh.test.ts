import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bus } from "@adaos/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../../../../../test/kit/mesh.ts";

const INTENT = "nlp.intent.detected@1";
const notify = (text: string): string => `{ publish: ui.notify@1, data: { text: "${text}" } }`;
const on = (intent: string): string =>
  `triggers: [{ event: ${INTENT}, when: event.data.intent == "${intent}" }]`;
const GREET = `${on("wake")}
conditions: ['event.data.slots.room != "cellar"']
effects: [${notify(`Good morning, $\{event.data.slots.room}`)}]`;
const FAIL = `${on("install")}
effects: [${notify("first")}, ${notify("second")}, { stop: no room, failed: true }]`;
/** In the folder of the mesh file's scenarios, by their names. */
const SCENARIOS: Readonly<Record<string, string>> = {
  greet: GREET,
  "greet-next": `shadow: true\n${GREET.replace("morning", "day")}`,
  slow: `${on("sleep")}\neffects: [${notify("Good night")}, { delay: 1h }, ${notify("Still asleep")}]`,
  fail: FAIL,
  never: "triggers: [{ event: timer.tick@1 }, { cron: 0 4 29 2 * }]\neffects: [{ delay: 1s }]",
};

const yaml = (folder: string): string => `
mesh: scenarios
registry: ../schemas/events
subnets:
  alpha:
    members:
      kitchen:
        publish: [ui., scenario.completed]
        subscribe: [nlp., ui., timer.]
        scenarios: [${JSON.stringify(folder)}]
      desk: { publish: [nlp.], subscribe: ["*"] }
`;

interface RunJson {
  readonly id: string;
  readonly scenario: string;
  readonly outcome: string;
  readonly now?: unknown;
  readonly trigger: { readonly event_id?: string };
}

describe("adaos scenario in a mesh", () => {
  let folder: string;
  let mesh: TestMesh;
  let desk: Bus;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "adaos-scenarios-"));
    for (const [name, text] of Object.entries(SCENARIOS)) write(name, text);
    mesh = await TestMesh.start({ yaml: yaml(folder) });
    desk = await mesh.connect("alpha/desk");
    await until("the member runs all", async () => (await listed()).length === Object.keys(SCENARIOS).length);
  });
  afterAll(async () => {
    await mesh.stop();
    rmSync(folder, { recursive: true });
  });

  function write(name: string, text: string): void {
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, "scenario.yaml"), `${text}\n`);
  }

  async function scenario(...args: readonly string[]) {
    const { code, stdout, stderr } = await mesh.ask(["scenario", ...args]);
    return { code, stdout: stdout.trimEnd(), stderr };
  }

  async function lines<T>(...args: readonly string[]): Promise<T[]> {
    const { stdout } = await scenario(...args, "--json");
    return stdout === "" ? [] : stdout.split("\n").map((line) => JSON.parse(line) as T);
  }

  const listed = () =>
    lines<{ readonly scenario: string; readonly state: string; readonly asked: number }>("list");
  const runsOf = (name: string, ...more: readonly string[]) => lines<RunJson>("runs", full(name), ...more);
  const full = (name: string): string => `alpha/kitchen/${name}`;
  const intent = (name: string, room = "attic") =>
    desk.publish(INTENT, { intent: name, slots: { room }, locale: "en" });

  test("list, runs, show: what ran, with its steps and its text", async () => {
    await intent("wake");
    await until("greet has run", async () => (await runsOf("greet")).length === 1);
    const [run] = await runsOf("greet");
    expect(run).toMatchObject({ scenario: full("greet"), outcome: "succeeded", trigger: { event: INTENT } });
    const shown = await scenario("show", run?.id ?? "", "--text");
    expect(shown.stdout).toMatch(/^outcome +succeeded$/m);
    expect(shown.stdout).toMatch(/effects\[0\] +publish .* done +ui\.notify@1 +EVT-/);
    expect(shown.stdout).toContain(
      'true  event.data.slots.room != "cellar"  (event.data.slots.room = "attic")',
    );
    expect(shown.stdout).toContain(`Good morning, $\{event.data.slots.room}`);
    const list = (await scenario("list", "--node", "alpha/kitchen")).stdout;
    expect(list).toMatch(/alpha\/kitchen\/greet +active +0 +0 +- +succeeded 20/);
    expect(list).toMatch(/alpha\/kitchen\/never +active +0 +0 +20\d\d-02-29T04:00:00Z +-/);
  });

  test("why, runs --skipped: what did not run, and for which condition", async () => {
    await intent("wake", "cellar");
    await until("it is recorded", async () =>
      (await scenario("why", full("greet"))).stdout.includes('event.data.slots.room = "cellar"'),
    );
    const why = await scenario("why", full("greet"));
    expect(why.stdout).toMatch(/ condition +event\.data\.slots\.room != "cellar" is false/);
    expect(why.stdout).toMatch(/ succeeded +RUN-/);
    const skipped = await scenario("runs", full("greet"), "--skipped");
    expect(skipped.stdout).toMatch(/^alpha\/kitchen\/greet: 1 condition/);
    const never = await scenario("why", full("never"));
    expect(never.stdout).toMatch(/^Its next time is /m);
    expect(never.stdout).toMatch(/^No trigger of it is recorded\.$/m);
    expect(never.stdout).toMatch(/^It waits for timer\.tick@1, or the times 0 4 29 2 \* \(UTC\)\.$/m);
    expect(never.stdout).toMatch(/^next: adaos scenario run alpha\/kitchen\/never$/m);
    expect(await scenario("why", full("none"))).toMatchObject({ code: 64 });
  });

  test("run --wait, cancel: by hand, followed to its end", async () => {
    const data = JSON.stringify({ intent: "x", slots: { room: "hall" } });
    const ran = await scenario("run", full("greet"), "--data", data, "--wait");
    expect(ran).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^EVT-.*\nRUN-\S+ succeeded after /),
    });
    const refused = await scenario("run", full("greet"), "--data", data.replace("hall", "cellar"), "--wait");
    expect(refused).toMatchObject({ code: 76, stdout: expect.stringMatching(/\nnot run: condition, /) });
    const started = JSON.parse((await scenario("run", full("slow"), "--json")).stdout) as { run_id: string };
    const isAsleep = async (): Promise<boolean> =>
      JSON.stringify((await runsOf("slow", "--active"))[0]?.now ?? "").includes("delay");
    await until("it waits", isAsleep);
    expect((await runsOf("slow"))[0]).toMatchObject({ id: started.run_id, now: { step: "effects[1]" } });
    expect((await scenario("why", full("slow"))).stdout).toMatch(
      /^Run RUN-\S+ is at effects\[1\] \(delay\) until /m,
    );
    expect(await scenario("cancel", "--scenario", full("slow"), "--all")).toMatchObject({ code: 64 });
    expect((await scenario("cancel", "--scenario", full("slow"), "--all", "--dry-run")).stderr).toContain(
      "1 run",
    );
    expect((await scenario("cancel", started.run_id)).stdout).toBe("1 cancelled");
    await until("it has ended", async () => (await runsOf("slow"))[0]?.outcome === "cancelled");
    expect(await scenario("cancel", started.run_id)).toMatchObject({ code: 64 });
    await scenario("run", full("slow"));
    await until("it waits again", isAsleep);
    expect((await scenario("cancel", "--scenario", full("slow"), "--all", "--yes")).stdout).toBe(
      "1 cancelled",
    );
  });

  test("retry: from a step, in bulk once, and not from a step of another text", async () => {
    await intent("install");
    await until("it failed", async () => (await runsOf("fail", "--failed")).length === 1);
    const [first] = await runsOf("fail", "--failed");
    const id = first?.id ?? "";
    expect((await scenario("retry", id, "--from", "effects[9]")).stderr).toContain(
      "did not get to effects[9]",
    );
    expect((await scenario("retry", "--scenario", full("fail"), "--failed", "--dry-run")).stderr).toContain(
      "1 run",
    );
    expect((await scenario("retry", id, "--from", "effects[1]")).stdout).toBe("1 retried");
    await until("it failed again", async () => (await runsOf("fail", "--failed")).length === 2);
    const [second] = await runsOf("fail", "--failed");
    expect((await scenario("show", second?.id ?? "")).stdout).not.toContain("effects[0]");
    write("fail", FAIL.replace("no room", "no space"));
    const refusal = async () => (await scenario("retry", id, "--from", "effects[1]", "--dry-run")).stderr;
    await until("its text is another", async () => (await refusal()).includes("has changed since"));
    expect((await scenario("retry", "--scenario", full("fail"), "--failed", "--yes")).stdout).toBe(
      "1 retried",
    );
    await until("once", async () => (await runsOf("fail", "--failed")).length === 3);
  });

  test("compare: a shadow with other data differs at its step", async () => {
    const pairs = await lines<{ result: string; step?: string; why?: string }>(
      "compare",
      full("greet"),
      full("greet-next"),
    );
    expect(pairs).toEqual([
      expect.objectContaining({ result: "differs", step: "effects[0]", why: "data of ui.notify@1 differ" }),
    ]);
    const text = (await scenario("compare", full("greet"), full("greet-next"))).stdout;
    expect(text).toMatch(/differs +RUN-\S+ +RUN-\S+ +at effects\[0\]: data of ui\.notify@1 differ/);
  });

  test("pause is kept while the daemon is stopped, and taken when it is back", async () => {
    expect((await scenario("pause", full("greet"))).stdout).toBe("1 paused");
    await intent("wake", "hall");
    await until("it is skipped", async () =>
      (await scenario("why", full("greet"))).stdout.includes(" paused "),
    );
    expect((await scenario("why", full("greet"))).stdout).toMatch(
      /next: adaos scenario resume alpha\/kitchen\/greet$/,
    );
    const thaw = mesh.freeze("alpha/kitchen");
    const resumed = await scenario("resume", full("greet"));
    expect(resumed).toMatchObject({ code: 0, stdout: "0 resumed, 1 kept" });
    expect(resumed.stderr).toContain("takes it when it runs alpha/kitchen/greet again");
    expect((await listed()).find((one) => one.scenario === full("greet"))).toMatchObject({ asked: 1 });
    thaw();
    const isResumed = async (): Promise<boolean> =>
      (await listed()).some(
        (one) => one.scenario === full("greet") && one.state === "active" && one.asked === 0,
      );
    await until("it is resumed", isResumed);
  });

  test("a wrong name or id is refused, and nothing is done", async () => {
    expect(await scenario("pause", "greet")).toMatchObject({ code: 64 });
    expect((await scenario("pause", full("none"))).stderr).toContain("has run no scenario none");
    expect(await scenario("show", "RUN-20260105-093000-0123456789ab")).toMatchObject({ code: 64 });
    expect(await scenario("show", "EVT-1")).toMatchObject({ code: 64 });
  });

  test("what another member writes of its own scenarios hides nothing", async () => {
    const { nc, close } = await openBare();
    const before = await lines("list");
    const id = (await runsOf("greet"))[0]?.id ?? "";
    const hollow = ['{"v":1}', '{"v":2}', "null", "no JSON", `{"v":1,"id":"${id}","startedMs":1e300}`];
    for (const text of hollow) {
      await nc.request("run.alpha.desk.odd.state", text);
      await nc.request(`run.alpha.desk.odd.${id}`, text);
      for (const kind of ["ok", "failed", "skipped"]) await nc.request(`ran.alpha.desk.odd.${kind}`, text);
      expect(await lines("list")).toHaveLength(before.length);
    }
    expect((await lines<RunJson>("runs")).some((run) => run.id === id)).toBe(true);
    expect((await scenario("show", id)).stdout).toContain(full("greet"));
    expect((await scenario("runs", "--skipped")).stdout).toContain(full("greet"));
    expect((await scenario("pause", "alpha/desk/odd")).stderr).toContain("is damaged");
    await close();
  });

  /** Without the checks of the library. */
  async function openBare() {
    const connection = await mesh.openMember("alpha/desk");
    return { nc: connection.nc, close: () => connection.close() };
  }
});
