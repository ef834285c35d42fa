import { readFileSync, writeFileSync } from "node:fs";
import { type Bus, NonRetryableError } from "@adaos/client";
import { runFilePath } from "@adaos/config";
import type { HealthAlerts, HealthMetrics, HealthResilience } from "@adaos/viewer";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROWSER_FILE, launchBrowser } from "../../kit/browser.ts";
import { TestMesh, until } from "../../kit/mesh.ts";
import { TestViewer } from "../../kit/viewer.ts";

const YAML = `mesh: well
registry: ../schemas/events
alerts: {}
chaos: allowed
subnets:
  alpha:
    export: [ui.]
    import: [ui.]
    members:
      kitchen: { publish: [ui.], subscribe: [ui.] }
  beta:
    export: [ui.]
    import: [ui.]
    members:
      desk: { publish: [ui.], subscribe: [ui.] }
`;
const EVENTS = 30;
const BAD = 3;
const LIMIT_MS = 60_000;

interface Summary {
  readonly restarts: number;
  readonly recovery: { readonly count: number; readonly mean_ms: number };
  readonly lost_log_lines: number;
  readonly manual_interventions: number;
}

describe.skipIf(BROWSER_FILE === undefined)("the page Health", () => {
  let mesh: TestMesh;
  let viewer: TestViewer;
  let browser: Browser;
  let kitchen: Bus;

  beforeAll(async () => {
    [mesh, browser] = await Promise.all([TestMesh.start({ yaml: YAML }), launchBrowser()]);
    viewer = await TestViewer.start(mesh.state);
    kitchen = await mesh.connect("alpha/kitchen");
    const desk = await mesh.connect("beta/desk");
    await kitchen.probe("viewer", { type: "tcp", url: viewer.url.replace("http", "tcp"), intervalMs: 200 });
    await desk.subscribe("ui.notify", { durable: "screen" }, (event) => {
      if ((event.data as { text: string }).text === "bad") throw new NonRetryableError("no screen");
    });
    for (let i = 0; i < EVENTS; i++) await kitchen.publish("ui.notify", { text: i < BAD ? "bad" : "good" });
  });
  afterAll(async () => {
    await browser?.close();
    await viewer?.stop();
    await mesh?.stop();
  });

  const asked = async <T>(path: string): Promise<T> => (await viewer.ask(path)).json() as Promise<T>;
  const read = async (locator: Locator): Promise<string> => (await locator.textContent()) ?? "";
  const cardOf = (page: Page, title: string): Locator =>
    page.locator(".card").filter({ has: page.getByText(title, { exact: true }) });
  const figure = (page: Page, title: string): Promise<string> => read(cardOf(page, title).locator(".figure"));
  const fact = async (page: Page, name: string): Promise<number> => {
    const row = page
      .locator(".facts > div")
      .filter({ has: page.locator("dt", { hasText: new RegExp(`^${name}$`) }) });
    return Number.parseFloat((await read(row.locator("dd"))).replaceAll(",", ""));
  };
  /** `812 ms` or `1.24 s`, in milliseconds. */
  const msOf = (text: string): number => Number.parseFloat(text) * (text.endsWith("ms") ? 1 : 1000);
  const isNear = (shown: number, told: number): boolean => Math.abs(shown - told) <= told * 0.1;

  const ofSupervisor = (path: string): Promise<Response> => {
    const file = readFileSync(runFilePath(mesh.state, "supervisor"), "utf8");
    const { statusUrl } = JSON.parse(file) as { readonly statusUrl: string };
    return fetch(`${statusUrl}${path}`);
  };
  const summary = async (): Promise<Summary> =>
    (await (await ofSupervisor("/api/metrics/v0_1/summary")).json()) as Summary;

  test("counts the events that commands count, and draws them by hour", async () => {
    await until(
      "all are reported",
      async () => {
        const { summary: told } = await asked<HealthMetrics>("/api/health/metrics");
        return told.outcomes.failed >= BAD && told.published >= EVENTS;
      },
      LIMIT_MS,
    );
    const { page, wrong } = await viewer.open(browser, "/health");
    await page.getByRole("figure", { name: "Rate: events an hour" }).locator("canvas").waitFor();
    const command = JSON.parse(
      (await mesh.ask(["events", "metrics", "--json"])).stdout,
    ) as HealthMetrics["summary"];
    const shown = {
      published: await fact(page, "Published"),
      handled: await fact(page, "Handled"),
      errors: await fact(page, "Errors"),
    };
    const { published, outcomes } = command;
    expect(isNear(shown.published, published), `${shown.published} ${published}`).toBe(true);
    expect(isNear(shown.handled, outcomes.total), `${shown.handled} ${outcomes.total}`).toBe(true);
    expect(shown.errors).toBe(outcomes.failed + outcomes.dead_letter);
    // The curves are a table too, whose hours add up to the same.
    const rate = page.getByRole("figure", { name: "Rate: events an hour" });
    await rate.getByText("As a table").click();
    const cells = await rate.locator("tbody tr td:nth-child(2)").allTextContents();
    const sum = cells.reduce((all, cell) => all + Number(cell.replaceAll(",", "")), 0);
    expect(isNear(sum, published), `${sum} ${published}`).toBe(true);
    // A probe keeps its objective, or misses it on a busy machine, as the command has it.
    const [slo] = (await mesh.ask(["slo", "--json"])).stdout.trim().split("\n");
    const { probe, met } = JSON.parse(slo ?? "{}") as { readonly probe: string; readonly met: boolean };
    expect(probe).toBe("viewer");
    const objectives = page.getByRole("table", { name: "Objective and budget of each probe" });
    await expect.poll(() => read(objectives)).toMatch(/(met|missed)alpha\/kitchen viewer/);
    // At its edge it may turn between the two questions; that it agrees at the next one is enough.
    const word = async (): Promise<boolean> => (await read(objectives)).includes("metalpha/kitchen viewer");
    const now = async (): Promise<boolean> => {
      const [line = "{}"] = (await mesh.ask(["slo", "--json"])).stdout.trim().split("\n");
      return (JSON.parse(line) as { readonly met: boolean }).met;
    };
    if ((await word()) !== met)
      await expect.poll(async () => (await word()) === (await now()), { timeout: 60_000 }).toBe(true);
    expect(await figure(page, "Probes")).toMatch(/^all healthy$|^1 not healthy$/);
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  test("shows a process that is killed for real: restarts, recovery, and the failure with both", async () => {
    const before = mesh.pid("alpha/kitchen");
    process.kill(before, "SIGKILL");
    await until("it is well again", async () => (await summary()).recovery.count > 0, LIMIT_MS);
    const { page, wrong } = await viewer.open(browser, "/analysis/r_v0_1_resilience");
    await page
      .getByRole("table", { name: "Failures and their recovery, newest first" })
      .waitFor({ timeout: LIMIT_MS });
    const { restarts, recovery, manual_interventions, lost_log_lines } = await summary();
    await expect.poll(() => figure(page, "Restarts"), { timeout: LIMIT_MS }).toBe(String(restarts));
    const scraped = [
      ...(await (await ofSupervisor("/metrics")).text()).matchAll(
        /^adaos_process_restarts_total\{.*\} (\d+)$/gm,
      ),
    ];
    expect(scraped.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(restarts);
    const mean = await figure(page, "Mean recovery");
    expect(isNear(msOf(mean), recovery.mean_ms), `${mean} ${recovery.mean_ms}`).toBe(true);
    expect(await figure(page, "Manual interventions")).toBe(String(manual_interventions));
    expect(lost_log_lines).toBe(0);
    expect(await figure(page, "Log loss")).toBe("0.0 %");
    const failure = page.getByRole("row").filter({ hasText: "alpha/kitchen" }).filter({ hasText: "SIGKILL" });
    expect(await read(failure.last())).toMatch(/\d s|\d ms/);
    await page.getByRole("figure", { name: "Recovery of each failure" }).locator("canvas").waitFor();
    // What is injected on purpose stands beside it.
    const inject = ["chaos", "inject", "--iterations", "1", "--faults", "cut-link", "--seed", "3", "--json"];
    const injected = await mesh.adaos(inject);
    expect(injected.code, injected.stderr).toBe(0);
    const [line = ""] = injected.stdout.split("\n");
    const { target, flow_ms } = JSON.parse(line) as { readonly target: string; readonly flow_ms: number };
    const row = page
      .getByRole("row")
      .filter({ hasText: `cut-link ${target}` })
      .last();
    await row.waitFor({ timeout: LIMIT_MS });
    const took = await read(row.getByRole("cell").last());
    expect(isNear(msOf(took), flow_ms), `${took} ${flow_ms}`).toBe(true);
    const { supervisor } = await asked<HealthResilience>("/api/health/resilience");
    expect(supervisor).toMatchObject({ restarts, recovery, manual_interventions });
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  test("shows a broken mesh file in red, with file, line and message", async () => {
    const good = readFileSync(mesh.configFile, "utf8");
    writeFileSync(mesh.configFile, good.replace("members:", "members: {{"));
    const { page, wrong } = await viewer.open(browser, "/health");
    await cardOf(page, "Configuration").getByText("1 broken file").waitFor({ timeout: LIMIT_MS });
    const errors = page.getByRole("table", { name: "Errors in files" });
    const told = JSON.parse((await mesh.ask(["status", "--json"])).stdout) as {
      readonly config: { readonly errors: readonly { file: string; place: string; message: string }[] };
    };
    const [error] = told.config.errors;
    const text = await read(errors);
    for (const part of [error?.file, error?.place.replace(/^.*?(\d+:\d+)$/, "$1"), error?.message])
      expect(text).toContain(part);
    expect(await page.locator(".card.alarm").count()).toBeGreaterThan(0);
    writeFileSync(mesh.configFile, good);
    await cardOf(page, "Configuration").getByText("good").waitFor({ timeout: LIMIT_MS });
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  test("silences an alert for operators, and refuses it to viewers", async () => {
    await until(
      "an alert is raised",
      async () => {
        const { raised } = await asked<HealthAlerts>("/api/health/alerts");
        return raised.some(({ alert }) => alert.alert === "deadLetterCame");
      },
      LIMIT_MS,
    );
    const { page, wrong } = await viewer.open(browser, "/health");
    const alerts = page.getByRole("table", { name: "Alerts that are raised now" });
    await alerts
      .getByRole("row")
      .filter({ hasText: "deadLetterCame" })
      .getByRole("button", { name: "Silence" })
      .click();
    await page.getByLabel("Why, for other operators").fill("<b>moved</b>");
    await page.getByRole("dialog").getByRole("button", { name: "Silence" }).click();
    await alerts.getByText("silenced until").waitFor();
    const told = (await mesh.ask(["alerts", "--json"])).stdout;
    expect(told).toContain('"silence_reason":"<b>moved</b>"');
    await page.getByRole("button", { name: "End …" }).click();
    await page.getByRole("button", { name: "End the silence" }).click();
    await expect.poll(() => alerts.getByText("silenced until").count(), { timeout: LIMIT_MS }).toBe(0);
    expect((await mesh.ask(["alerts", "--json"])).stdout).not.toContain("silence_reason");
    const audit = (await mesh.ask(["audit", "--json"])).stdout;
    expect(audit).toContain("alerts.silence");
    expect(audit).toContain("test by viewer (as ");
    expect(wrong).toEqual([]);
    await page.context().close();
    for (const path of ["/api/health/silences", "/api/health/silences/end"])
      expect((await viewer.change(path, { name: "linkDown", for: "1h" }, "viewer")).status).toBe(403);
    expect((await viewer.change("/api/health/silences", { name: "linkDwon", for: "1h" })).status).toBe(400);
    expect((await viewer.change("/api/health/silences", { name: "linkDown", for: "1 year" })).status).toBe(
      400,
    );
    const { page: seen } = await viewer.open(browser, "/health", { role: "viewer" });
    await seen.getByRole("table", { name: "Alerts that are raised now" }).waitFor();
    expect(await seen.getByRole("button", { name: /Silence|End/ }).count()).toBe(0);
    await seen.context().close();
  });
});
