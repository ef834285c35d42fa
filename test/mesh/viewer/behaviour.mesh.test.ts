import type { Bus } from "@adaos/client";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BehaviourScene, behaviourScene } from "../../kit/behaviour-scene.ts";
import { BROWSER_FILE, launchBrowser } from "../../kit/browser.ts";
import { TestMesh, until } from "../../kit/mesh.ts";
import { TestViewer } from "../../kit/viewer.ts";

let scene: BehaviourScene;
let mesh: TestMesh;
let viewer: TestViewer;
let speaker: Bus;
beforeAll(async () => {
  scene = behaviourScene();
  mesh = await TestMesh.start({ yaml: scene.yaml });
  viewer = await TestViewer.start(mesh.state);
  speaker = await mesh.connect("alpha/speaker");
  await until("the member runs all", async () => (await scenarios()).filter(({ hash }) => hash).length === 5);
});
afterAll(async () => {
  await viewer?.stop();
  await mesh?.stop();
  scene?.remove();
});

interface Listed {
  readonly scenario: string;
  readonly hash?: string;
  readonly state: string;
  readonly is_paused: boolean;
  readonly last?: { readonly run: string; readonly outcome: string };
}

async function asked<T>(path: string): Promise<T> {
  const response = await viewer.ask(path);
  expect(response.status, path).toBe(200);
  return (await response.json()) as T;
}

const scenarios = async (): Promise<readonly Listed[]> =>
  (await asked<{ readonly scenarios: readonly Listed[] }>("/api/scenarios")).scenarios;
const one = async (name: string): Promise<Listed | undefined> =>
  (await scenarios()).find(({ scenario }) => scenario === `alpha/kitchen/${name}`);
const intent = (name: string, room: string): Promise<unknown> =>
  speaker.publish("nlp.intent.detected@1", { intent: name, slots: { room }, locale: "en" });

const CHANGES = [
  ...["pause", "resume", "trigger", "remove"].map((act) => `/api/timers/alpha/kitchen/hour/${act}`),
  ...["enable", "disable"].map((act) => `/api/skills/alpha/speaker/scribe/${act}`),
  ...["switch", "run", "cancel", "retry"].map((act) => `/api/scenarios/alpha/kitchen/greet/${act}`),
  ...["cancel", "retry"].map((act) => `/api/runs/RUN-20260105-093000-0123456789ab/${act}`),
];

describe("the API about behaviour", () => {
  test("lets a viewer change nothing", async () => {
    for (const path of CHANGES) expect((await viewer.change(path, {}, "viewer")).status, path).toBe(403);
  });

  test("takes names alone: no path leads out of the folder of logs, and no text is a run", async () => {
    for (const path of [
      "/api/skills/alpha/speaker/..%2F..%2Fx/log",
      "/api/skills/alpha/..%2F..%2F/x/log",
      "/api/timers/alpha/kitchen/a.b%3E",
      "/api/scenarios/alpha/*/greet",
      "/api/runs/RUN-1",
      "/api/compared-scenarios?live=alpha/kitchen/*&shadow=x",
    ])
      expect((await viewer.ask(path)).status, path).toBe(400);
    expect((await viewer.ask("/api/skills/alpha/speaker/none/log")).status).toBe(400);
    expect((await viewer.ask("/api/scenarios/alpha/kitchen/none")).status).toBe(400);
    expect((await viewer.change("/api/runs/RUN-20260105-093000-0123456789ab/cancel")).status).toBe(400);
  });
});

describe.skipIf(BROWSER_FILE === undefined)("the page Behaviour", () => {
  let browser: Browser;
  let page: Page;
  let wrong: string[];
  beforeAll(async () => {
    browser = await launchBrowser();
    ({ page, wrong } = await viewer.open(browser, "/behaviour"));
  });
  afterAll(async () => {
    await browser?.close();
  });

  const button = (name: string) => page.getByRole("button", { name, exact: true });
  const dialog = () => page.getByRole("dialog");

  test("fires, pauses and resumes a timer, and shows its coming times", async () => {
    await button("Trigger alpha/kitchen/hour").click();
    await page.getByText(/^alpha\/kitchen\/hour fired; the event is EVT-/).waitFor();
    await page.getByRole("link", { name: "alpha/kitchen/hour" }).click();
    await page.getByRole("heading", { name: "Next times" }).waitFor();
    expect(await page.locator("ol.plain li").count()).toBe(10);
    await button("Pause alpha/kitchen/hour").click();
    await page.getByText("It does not fire again as it is: it is paused.").waitFor();
    await button("Resume alpha/kitchen/hour").click();
    await button("Pause alpha/kitchen/hour").waitFor();
    expect(await button("Remove alpha/kitchen/hour").count()).toBe(0);
  });

  test("removes a timer that no file declares, once it has been asked", async () => {
    const timer = ["--every", "1h", "--name", "egg", "--as", "alpha/kitchen"];
    expect((await mesh.ask(["timer", "add", ...timer])).code).toBe(0);
    await page.getByRole("navigation", { name: "Way back" }).getByRole("link", { name: "Timers" }).click();
    await button("Remove alpha/kitchen/egg").click();
    await dialog().getByRole("button", { name: "Keep as it is" }).click();
    await button("Remove alpha/kitchen/egg").click();
    await dialog().getByText("It has fired 0 times").waitFor();
    await dialog().getByRole("button", { name: "Remove" }).click();
    await page.getByText("alpha/kitchen/egg removed.").waitFor();
    await expect.poll(() => page.getByRole("link", { name: "alpha/kitchen/egg" }).count()).toBe(0);
  });

  test("shows the run that the timer has started, with its step, and the event of it", async () => {
    await page.getByRole("link", { name: "Scenarios", exact: true }).click();
    await page.getByText(/scenario\.yaml:3:14 no event "no\.such\.event"/).waitFor();
    await page.getByRole("link", { name: "alpha/kitchen/chime" }).click();
    await page.getByRole("link", { name: /^RUN-/ }).first().click();
    await page.getByText('event.data.timer = "hour"').waitFor();
    const step = page.getByRole("button", { name: /^publish ui\.notify@1/ });
    await step.click();
    expect(await step.getAttribute("aria-pressed")).toBe("true");
    expect(new URL(page.url()).searchParams.get("step")).toBe("effects[0]");
    expect(await page.locator(".source li.chosen").allTextContents()).toEqual([
      "  - publish: ui.notify@1",
      '    data: { title: chime, text: "ding" }',
    ]);
    const link = page.locator(".timeline").getByRole("link", { name: /^EVT-/ });
    expect(await link.getAttribute("href")).toMatch(/^\/event\?id=EVT-/);
  });

  test("pauses a scenario and resumes it", async () => {
    await page.goto(`${viewer.url}/behaviour?tab=scenarios`);
    await button("Pause alpha/kitchen/greet").click();
    await button("Resume alpha/kitchen/greet").waitFor();
    expect((await one("greet"))?.state).toBe("paused");
    await button("Resume alpha/kitchen/greet").click();
    await button("Pause alpha/kitchen/greet").waitFor();
  });

  test("tells why a scenario did not run, with the value that the condition saw", async () => {
    await intent("wake", "cellar");
    await intent("wake", "attic");
    await page.goto(`${viewer.url}/behaviour?tab=scenarios&scenario=alpha/kitchen/greet&view=skips`);
    await page.getByText('event.data.slots.room != "cellar" is false').waitFor();
    await page.getByText('event.data.slots.room = "cellar"').waitFor();
  });

  test("compares a scenario with its shadow, and marks the step that differs", async () => {
    const isOver = async (name: string): Promise<boolean> => (await one(name))?.last?.outcome === "succeeded";
    await until("both have run", async () => (await isOver("greet")) && isOver("greet-next"));
    await page.goto(`${viewer.url}/behaviour?tab=scenarios`);
    await page.getByRole("link", { name: "Compare a scenario with its shadow" }).click();
    await page.getByRole("link", { name: /^EVT-/ }).click();
    await page.locator("tr.differs").getByText("data of ui.notify@1 differ").waitFor();
    expect(await page.locator("tr.differs th").textContent()).toBe("effects[0].choose[0].effects[0]");
  });

  test("shows the branches of a run, the arrow keys go from step to step, and a retry begins at one", async () => {
    await page.goto(`${viewer.url}/behaviour?tab=scenarios&run=${(await one("greet"))?.last?.run}`);
    await page.getByText("otherwise – not taken").waitFor();
    await page.getByRole("button", { name: /^choose/ }).focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("End");
    await page.keyboard.press("Home");
    await page.keyboard.press("Enter");
    await button("Retry from here effects[0]").click();
    await dialog().getByRole("button", { name: "Retry from here" }).click();
    await page.getByText(/is tried again from effects\[0\]; the run is RUN-/).waitFor();
  });

  test("starts a run with data, and cancels it, one and all", async () => {
    await page.goto(`${viewer.url}/behaviour?tab=scenarios&scenario=alpha/kitchen/slow`);
    await button("Run now alpha/kitchen/slow").click();
    await dialog().getByLabel("Data").fill("no JSON");
    await button("Run").click();
    await dialog().getByText("The data must be a JSON object").waitFor();
    await dialog().getByLabel("Data").fill('{"intent":"sleep"}');
    await button("Run").click();
    await page.getByRole("cell", { name: /under way/ }).waitFor();
    await page.getByRole("link", { name: /^RUN-/ }).click();
    await page.getByText(/^effects\[1\] \(delay\) until/).waitFor();
    await button("Cancel")
      .or(page.getByRole("button", { name: /^Cancel RUN-/ }))
      .click();
    await dialog().getByRole("button", { name: "Cancel" }).click();
    await page.getByText("cancelled by an operator").waitFor();
    await page.goto(`${viewer.url}/behaviour?tab=scenarios&scenario=alpha/kitchen/slow`);
    await button("Cancel all runs of alpha/kitchen/slow").click();
    await dialog().getByText("0 runs").waitFor();
    await dialog().getByRole("button", { name: "Keep as it is" }).click();
  });

  test("retries failed runs after a dry run has counted them", async () => {
    await intent("install", '<b id="evil">attic</b>');
    await page.goto(`${viewer.url}/behaviour?tab=scenarios&scenario=alpha/kitchen/fail`);
    await page.getByText('no room for <b id="evil">attic</b>').waitFor();
    await button("Retry failed runs of alpha/kitchen/fail").click();
    await dialog().getByText("1 run").waitFor();
    await dialog().getByRole("button", { name: "Retry failed" }).click();
    await expect.poll(() => page.getByRole("link", { name: /^RUN-/ }).count()).toBe(2);
    expect(await page.locator("#evil").count()).toBe(0);
  });

  test("shows a skill's log as text, by level, and disables the skill once it has been asked", async () => {
    await page.goto(`${viewer.url}/behaviour?tab=skills`);
    await page.getByRole("link", { name: "alpha/speaker/scribe" }).click();
    await page.getByText('told {"text":"ding"}').waitFor();
    await page.getByLabel("Level").selectOption("warn");
    await page.getByText('<img src="x" onerror="alert(1)">⟨U+202E⟩evil').first().waitFor();
    await expect.poll(() => page.getByText('told {"text"').count()).toBe(0);
    await button("Disable alpha/speaker/scribe").click();
    await dialog().getByRole("button", { name: "Disable" }).click();
    await button("Enable alpha/speaker/scribe").click();
    await button("Disable alpha/speaker/scribe").waitFor();
  });

  test("leaves nothing wrong, and each change in the audit trail by the name of its token", async () => {
    expect(wrong).toEqual([]);
    const { stdout } = await mesh.ask(["audit", "--json"]);
    const acts = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { readonly action: string; readonly who: string });
    for (const action of [
      "timer.trigger",
      "timer.pause",
      "timer.remove",
      "scenario.pause",
      "scenario.run",
      "scenario.cancel",
      "scenario.retry",
      "skill.disable",
    ])
      expect(acts.find((act) => act.action === action)?.who, action).toMatch(/^test by viewer \(as /);
  });

  test("has no buttons for a viewer", async () => {
    const opened = await viewer.open(browser, "/behaviour", {
      role: "viewer",
      width: 400,
      colorScheme: "dark",
    });
    await opened.page.getByRole("link", { name: "alpha/kitchen/hour" }).waitFor();
    for (const tab of ["timers", "skills", "scenarios"]) {
      await opened.page.goto(`${viewer.url}/behaviour?tab=${tab}`);
      await opened.page.locator("table tbody tr").first().waitFor();
      expect(await opened.page.locator(".behaviour button").count(), tab).toBe(0);
      expect(await opened.page.evaluate("document.documentElement.scrollWidth")).toBe(400);
    }
    expect(opened.wrong).toEqual([]);
  });
});
