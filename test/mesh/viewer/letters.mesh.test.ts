import { type Bus, NonRetryableError } from "@adaos/client";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROWSER_FILE, launchBrowser } from "../../kit/browser.ts";
import { TestMesh } from "../../kit/mesh.ts";
import { TestViewer } from "../../kit/viewer.ts";

const YAML = `
mesh: letters
registry: ../schemas/events
subnets:
  alpha:
    export: [ui.]
    members:
      kitchen: { publish: [ui.] }
  beta:
    import: [ui.]
    members:
      desk: { subscribe: [ui.] }
`;
const COUNT = 500;
const LIMIT_MS = 60_000;

interface JobAnswer {
  readonly id: string;
  readonly state: string;
  readonly count: number;
  readonly done: number;
  readonly failed_again: number;
  readonly who: string;
}

let mesh: TestMesh;
let viewer: TestViewer;
let kitchen: Bus;
/** Texts that the handler fails for. */
let isBroken: (text: string) => boolean = () => true;
/** Texts of events that the handler has handled. */
const handled: string[] = [];

beforeAll(async () => {
  mesh = await TestMesh.start({ yaml: YAML });
  kitchen = await mesh.connect("alpha/kitchen");
  const desk = await mesh.connect("beta/desk");
  await desk.subscribe("ui.notify", { durable: "screen", maxConcurrency: 100 }, ({ data }) => {
    const { text } = data as { readonly text: string };
    if (isBroken(text)) throw new NonRetryableError(`no screen for ${text}`);
    handled.push(text);
  });
  viewer = await TestViewer.start(mesh.state);
});
afterAll(async () => {
  await viewer?.stop();
  await mesh?.stop();
});

/** All in one tick: the client stores them as a batch. */
async function publish(prefix: string, count: number): Promise<void> {
  const sent = Array.from({ length: count }, (_, i) =>
    kitchen.publish("ui.notify", { text: `${prefix} ${i}` }),
  );
  await Promise.all(sent);
}

async function total(query = ""): Promise<number> {
  const answer = (await (await viewer.ask(`/api/dead-letters${query}`)).json()) as { readonly total: number };
  return answer.total;
}

async function lastJob(): Promise<JobAnswer | undefined> {
  const { jobs } = (await (await viewer.ask("/api/jobs")).json()) as { readonly jobs: readonly JobAnswer[] };
  return jobs[0];
}

const jobDone = (): Promise<number> => lastJob().then((job) => job?.done ?? 0);
const jobState = (): Promise<string> => lastJob().then((job) => job?.state ?? "none");

describe.skipIf(BROWSER_FILE === undefined)("the page of dead letters", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  async function open(
    query = "",
    role: "viewer" | "operator" = "operator",
  ): Promise<{ page: Page; wrong: string[] }> {
    return viewer.open(browser, `/dead-letters${query}`, { role });
  }

  test("says what an empty list means", async () => {
    const { page, wrong } = await open();
    await page.getByText("There are no dead letters").waitFor();
    expect(wrong).toEqual([]);
    await page.close();
  });

  test(`lists, filters and shows ${COUNT} letters, and a viewer may change none`, async () => {
    await publish("first", COUNT);
    await expect.poll(() => total(), { timeout: LIMIT_MS }).toBe(COUNT);
    const { page, wrong } = await open("", "viewer");
    await page.getByText(`${COUNT} dead letters`).waitFor();
    expect(await page.locator("tbody tr").count()).toBe(200);
    await page.getByRole("link", { name: "Older" }).click();
    await page.getByRole("link", { name: "Newest" }).waitFor();
    await page.getByLabel("Text").fill("FIRST 417");
    await page.getByLabel("Text").press("Enter");
    await page.getByText("1 dead letter", { exact: true }).waitFor();
    await page.locator("tbody a").click();
    await page.getByText("no screen for first 417").first().waitFor();
    await page.getByText('"text": "first 417"').waitFor();
    await page.getByText("bytes", { exact: false }).first().click();
    expect(await page.getByRole("link", { name: /^EVT-/ }).getAttribute("href")).toMatch(/^\/event\?id=EVT-/);
    expect(await page.getByRole("button", { name: /Replay|Delete|Cancel|Resume/ }).count()).toBe(0);
    await page.getByRole("link", { name: "Back to the list" }).click();
    expect(await page.getByRole("button", { name: /Replay|Delete/ }).count()).toBe(0);
    await page.getByLabel("Category").selectOption("transient");
    await page.getByText("No dead letter matches").waitFor();
    expect(wrong).toEqual([]);
    await page.close();
    for (const path of ["/api/dead-letters/plan", "/api/jobs", "/api/jobs/x/cancel", "/api/jobs/x/resume"])
      expect((await viewer.change(path, {}, "viewer")).status, path).toBe(403);
  });

  test("replays all in a job that needs no page, each once", async () => {
    isBroken = () => false;
    const { page, wrong } = await open();
    await page.getByRole("button", { name: `Replay all ${COUNT} …` }).click();
    await page.getByText("will be given to their handlers").waitFor();
    await page.getByText("failed for permanent reasons").waitFor();
    await page.getByLabel("Letters a second").fill("200");
    await page.getByRole("button", { name: `Replay ${COUNT}`, exact: true }).click();
    await page.getByText(/^[1-9]\d* of 500 replayed/).waitFor();
    await page.close();
    expect(await jobState()).toBe("running");
    const { page: again, wrong: wrongToo } = await open();
    await again
      .getByText(`${COUNT} of ${COUNT} replayed; 0 failed again; ${COUNT} succeeded.`)
      .waitFor({ timeout: LIMIT_MS });
    await again.getByText("There are no dead letters").waitFor();
    expect([...wrong, ...wrongToo]).toEqual([]);
    await again.close();
    expect(new Set(handled).size).toBe(COUNT);
    expect(handled).toHaveLength(COUNT);
    const { stdout } = await mesh.ask(["audit", "--json"]);
    expect(stdout).toMatch(/test by viewer.*"count":500|"count":500.*test by viewer/);
  });

  test("deletes those that are chosen, and shows the list as it then is though nobody saw the job at work", async () => {
    isBroken = () => true;
    await publish("chosen", 5);
    await expect.poll(() => total(), { timeout: LIMIT_MS }).toBe(5);
    const { page, wrong } = await open();
    for (const i of [0, 1])
      await page
        .getByLabel(/^Choose beta/)
        .nth(i)
        .check();
    await page.getByRole("button", { name: "Delete 2 chosen …" }).click();
    await page.route("**/api/jobs", async (asked) => {
      if (asked.request().method() === "GET") await expect.poll(jobState).toBe("done");
      await asked.continue();
    });
    await page.getByRole("button", { name: "Delete 2 for good" }).click();
    await page.getByText("2 of 2 deleted").waitFor();
    await page.getByText("3 dead letters").waitFor();
    const refused = await viewer.change("/api/jobs", { kind: "purge", filter: {}, count: 2 });
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain("grown from 2 to 3");
    expect(wrong).toEqual([]);
    await page.close();
  });

  test("goes on after the viewer was stopped, gives no letter twice, and tells which failed again", async () => {
    await publish("again", 200);
    await expect.poll(() => total(), { timeout: LIMIT_MS }).toBe(203);
    handled.length = 0;
    isBroken = (text) => text === "again 7";
    const begun = await viewer.change("/api/jobs", {
      kind: "replay",
      filter: {},
      count: 203,
      per_second: 50,
    });
    expect(begun.status).toBe(200);
    const twice = await viewer.change("/api/jobs", { kind: "replay", filter: {}, count: 203 });
    expect(await twice.text()).toContain("another job is changing");
    await expect.poll(jobDone).toBeGreaterThan(20);
    await viewer.stop();
    viewer = await TestViewer.start(mesh.state);
    expect(await jobState()).toBe("interrupted");
    expect(await jobDone()).toBeLessThan(203);
    const { page, wrong } = await open();
    await page.getByRole("button", { name: "Resume" }).click();
    await page
      .getByText("203 of 203 replayed; 1 failed again; 202 succeeded.")
      .waitFor({ timeout: LIMIT_MS });
    await page.getByText("1 of 1 problems").click();
    await page.getByRole("link", { name: /^DLQ-/ }).click();
    await page.getByText("that letter was replayed and failed again here").waitFor();
    await page.getByRole("link", { name: "Back to the list" }).click();
    await page.getByRole("link", { name: "History" }).click();
    await page.getByText("706 failed for good").waitFor();
    expect(await page.getByText("failed again", { exact: true }).count()).toBe(1);
    await page.getByLabel("Replayed").selectOption("no");
    await page.getByText("3 failed for good").waitFor();
    expect(wrong).toEqual([]);
    await page.close();
    expect(handled).toHaveLength(202);
    expect(new Set(handled).size).toBe(202);
    expect(await total()).toBe(1);
  });
});
