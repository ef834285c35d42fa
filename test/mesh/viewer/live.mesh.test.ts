import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Bus } from "@adaos/client";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROWSER_FILE, launchBrowser } from "../../kit/browser.ts";
import { HOME, TestMesh } from "../../kit/mesh.ts";
import { TestViewer } from "../../kit/viewer.ts";

/** The default mesh, in which the kitchen may report on databases too. */
const YAML = readFileSync(join(HOME, "deploy/mesh.yaml"), "utf8").replace(
  "publish: [nlp., ui., scenario.]",
  "publish: [nlp., ui., scenario., infra.]",
);

let mesh: TestMesh;
let viewer: TestViewer;
let site: Server;
let kitchen: Bus;
let desk: Bus;
beforeAll(async () => {
  site = createServer(({ url }, response) => {
    const name = url === "/" ? "index.html" : (url ?? "").slice(1);
    const type = { html: "text/html", js: "text/javascript", css: "text/css" }[name.split(".").at(-1) ?? ""];
    if (type === undefined) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": type }).end(readFileSync(join(HOME, "examples/toast", name)));
  });
  await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
  mesh = await TestMesh.start({ yaml: YAML });
  viewer = await TestViewer.start(mesh.state, { origins: [siteOrigin()] });
  [kitchen, desk] = await Promise.all([mesh.connect("alpha/kitchen"), mesh.connect("beta/desk")]);
});
afterAll(async () => {
  await viewer?.stop();
  await mesh?.stop();
  site.close();
});

function siteOrigin(): string {
  return `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
}

describe("the routes of the live page", () => {
  test("tell a contract's schema, and what is no event", async () => {
    const schema = await viewer.ask("/api/contracts/ui.notify/schema", "viewer");
    expect(await schema.json()).toMatchObject({
      ...{ name: "ui.notify", version: 1, kind: "event" },
      fields: expect.arrayContaining([
        expect.objectContaining({ name: "text", isRequired: true, kind: "string" }),
      ]),
    });
    expect((await viewer.ask("/api/contracts/ui.nothing/schema")).status).toBe(422);
    expect((await viewer.ask("/api/contracts/%7B/schema")).status).toBe(422);
  });

  test("publish as a member of this machine for operators alone, and record who did it", async () => {
    const event = { event: "ui.notify@1", as: "alpha/kitchen", data: { text: "by hand" } };
    expect((await viewer.change("/api/events", event, "viewer")).status).toBe(403);
    expect((await viewer.change("/api/events", { ...event, as: "alpha/nobody" })).status).toBe(400);
    const denied = await viewer.change("/api/events", { ...event, event: "repo.skill.install@1", data: {} });
    expect([denied.status, await denied.json()]).toMatchObject([403, { error: { code: "denied" } }]);
    const wrong = await viewer.change("/api/events", { ...event, data: { text: "", level: "loud" } });
    expect([wrong.status, await wrong.json()]).toMatchObject([
      422,
      { error: { violations: expect.arrayContaining([expect.objectContaining({ pointer: "/level" })]) } },
    ]);
    const stored = await viewer.change("/api/events", event);
    expect(await stored.json()).toMatchObject({
      stream: "EVENTS_alpha",
      event_id: expect.stringMatching(/^EVT-/),
    });
    const { stdout } = await mesh.ask(["audit", "--json"]);
    expect(stdout).toContain("ui.notify@1 as alpha/kitchen");
    expect(stdout).toContain("test by viewer (as ");
  });
});

describe.skipIf(BROWSER_FILE === undefined)("the live page", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  const say = (bus: Bus, text: string, more: object = {}): Promise<unknown> =>
    bus.publish("ui.notify@1", { text, ...more });
  const rows = (page: Page) => page.getByRole("listbox", { name: "Events" }).getByRole("option");

  test("shows events as they are stored, filters them, and keeps its filters in the address", async () => {
    const { page, wrong } = await viewer.open(browser, "/live");
    await page.getByText("live", { exact: true }).waitFor();
    await say(kitchen, "from the kitchen");
    await say(desk, "from the desk");
    await rows(page).filter({ hasText: "from the desk" }).waitFor();
    expect(await rows(page).first().textContent()).toContain("from the desk");
    await page.getByLabel("Text").fill("KITCHEN");
    await page.getByLabel("Text").press("Enter");
    await page.waitForURL(/text=KITCHEN/);
    await page.getByText("live", { exact: true }).waitFor();
    await say(desk, "desk again");
    await say(kitchen, "kitchen <b>again</b> \u202e");
    await rows(page).filter({ hasText: "kitchen <b>again</b> ⟨U+202E⟩" }).waitFor();
    expect(await rows(page).count()).toBe(1);
    await page.getByLabel("From").selectOption("1h");
    await rows(page).filter({ hasText: "from the kitchen" }).waitFor();
    await page.reload();
    await rows(page).filter({ hasText: "from the kitchen" }).waitFor();
    await page.getByLabel("Origin").fill("kitchen!");
    await page.getByLabel("Origin").press("Enter");
    await page.getByText("origin is a subnet or a node of one").waitFor();
    await page.getByRole("button", { name: "Clear filters" }).click();
    await page.getByText("live", { exact: true }).waitFor();
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  test("pauses while a row is read by keyboard, and shows data, changes and schema", async () => {
    const { page, wrong } = await viewer.open(browser, "/live?pattern=ui.&origin=alpha");
    await page.getByText("live", { exact: true }).waitFor();
    await say(kitchen, "one", { level: "info" });
    await say(kitchen, "two", { level: "error" });
    await expect.poll(() => rows(page).count(), { timeout: 10_000 }).toBe(2);
    await page.getByRole("listbox", { name: "Events" }).focus();
    await page.keyboard.press("ArrowDown");
    const detail = page.getByLabel("Selected event");
    await detail.getByText("data.level").waitFor();
    expect(await detail.textContent()).toContain('"info"');
    await detail.getByText("schema 1.0.0").waitFor();
    // By the debugger's way: the page's own policy lets no foreign script in.
    await page.evaluate(readFileSync(join(HOME, "node_modules/axe-core/axe.min.js"), "utf8"));
    const found = await page.evaluate(
      "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes[0].html))",
    );
    expect(found).toEqual([]);
    await say(kitchen, "three");
    await page.getByRole("button", { name: "Resume (1 new)" }).waitFor();
    await page.keyboard.press("ArrowDown");
    await detail.getByText("This is the first one that this page has seen.").waitFor();
    expect(await rows(page).count()).toBe(2);
    await page.getByRole("button", { name: "Resume (1 new)" }).click();
    await expect.poll(() => rows(page).count()).toBe(3);
    await detail.getByRole("button", { name: "Close" }).click();
    await detail.waitFor({ state: "detached" });
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  test("publishes again by a form, and shows a refusal at its field", async () => {
    const { page, wrong } = await viewer.open(browser, "/live?pattern=ui.");
    await page.getByText("live", { exact: true }).waitFor();
    await say(kitchen, "original");
    await rows(page).filter({ hasText: "original" }).click();
    await page.getByLabel("Selected event").getByText("schema 1.0.0").waitFor();
    await page.getByRole("button", { name: "Publish again" }).click();
    const dialog = page.getByRole("dialog");
    expect(await dialog.getByLabel("Published as").inputValue()).toBe("alpha/kitchen");
    await dialog.getByLabel("locale").fill("x");
    await dialog.getByRole("button", { name: "Check and publish" }).click();
    await dialog.getByRole("button", { name: "Publish now" }).click();
    await dialog.locator(".schema-field .error").waitFor();
    // The browser writes that a change was refused.
    expect(wrong.splice(0)).toEqual([expect.stringContaining("422")]);
    await dialog.getByLabel("locale").fill("en");
    await dialog.getByLabel("text required").fill("again by form");
    await dialog.getByLabel("Published as").selectOption("beta/desk");
    await dialog.getByRole("button", { name: "Check and publish" }).click();
    await dialog.getByRole("button", { name: "Publish now" }).click();
    await dialog.getByText("Stored at EVENTS_beta").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
    await page.getByRole("button", { name: "Resume" }).click();
    await rows(page).filter({ hasText: "again by form" }).waitFor();
    const { page: reader } = await viewer.open(browser, "/live?since=1h&pattern=ui.", { role: "viewer" });
    await rows(reader).filter({ hasText: "original" }).click();
    await reader.getByRole("button", { name: "Copy as command" }).waitFor();
    expect(await reader.getByRole("button", { name: "Publish again" }).count()).toBe(0);
    expect(wrong).toEqual([]);
    await Promise.all([page.context().close(), reader.context().close()]);
  });

  test("connects again by itself, and misses nothing", async () => {
    const { page } = await viewer.open(browser, "/live?pattern=ui.");
    await page.getByText("live", { exact: true }).waitFor();
    await say(kitchen, "before");
    await rows(page).filter({ hasText: "before" }).waitFor();
    const { port } = new URL(viewer.url);
    await viewer.stop();
    await page.getByText("reconnecting").waitFor();
    await say(kitchen, "meanwhile");
    viewer = await TestViewer.start(mesh.state, { origins: [siteOrigin()], port: Number(port) });
    await rows(page).filter({ hasText: "meanwhile" }).waitFor();
    expect(await rows(page).count()).toBe(2);
    await page.context().close();
  });

  test("of another site shows a toast for a failed database connection", async () => {
    const page = await browser.newPage();
    const wrong: string[] = [];
    page.on("pageerror", (error) => wrong.push(String(error)));
    const opened = page.waitForResponse((response) => response.url().includes("/api/feed"));
    await page.goto(`${siteOrigin()}/#viewer=${viewer.url}&token=${viewer.token("viewer")}`);
    expect((await opened).status()).toBe(200);
    await expect
      .poll(
        async () => {
          await kitchen.publish("infra.database.connection.failed@2", {
            environment: "local",
            database_type: "redis",
            error_message: "refused <img src=x>",
          });
          return page.getByRole("status").textContent();
        },
        { timeout: 10_000, interval: 500 },
      )
      .toContain("alpha/kitchen: redis failed: refused <img src=x>");
    expect(wrong).toEqual([]);
    await page.close();
  });
});
