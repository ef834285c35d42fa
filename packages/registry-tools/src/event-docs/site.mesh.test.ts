import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROWSER_FILE, launchBrowser } from "../../../../test/kit/browser.ts";
import { HOSTILE, writtenRegistry } from "../../../../test/kit/written-registry.ts";
import { buildEventDocs } from "./build-event-docs.ts";

const OURS = fileURLToPath(new URL("../../../../schemas/events", import.meta.url));
let browser: Browser | undefined;
beforeAll(async () => {
  if (BROWSER_FILE !== undefined) browser = await launchBrowser();
});
afterAll(() => browser?.close());

/**
 * Opens the site of a registry from its files. `wrong` gets errors, refused scripts, and all that is asked of a
 * network.
 */
async function open(registry: string, width = 1200): Promise<{ page: Page; wrong: string[]; url: string }> {
  const output = join(await writtenRegistry([]), "docs");
  const site = join(output, "site");
  await buildEventDocs({ registry, config: undefined, output, site, check: false });
  const page = await (browser as Browser).newPage({ viewport: { width, height: 900 } });
  const wrong: string[] = [];
  page.on("console", (message) => wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("dialog", (dialog) => {
    wrong.push(dialog.message());
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!/^(file|data):/.test(request.url())) wrong.push(request.url());
  });
  const url = pathToFileURL(join(site, "index.html")).href;
  await page.goto(url);
  return { page, wrong, url };
}

const shownEvents = (page: Page): Promise<string[]> => page.locator("tbody tr:visible a").allTextContents();

describe.skipIf(BROWSER_FILE === undefined)("the site, opened from its files in a browser", () => {
  test("is searched by keyboard, opens an event, and asks no network", async () => {
    const { page, wrong } = await open(OURS);
    const all = await shownEvents(page);
    expect(all).toContain("ui.notify@1");
    await page.keyboard.press("/");
    await page.keyboard.type("NLP intent");
    expect(await shownEvents(page)).toEqual(["nlp.intent.detected@1"]);
    expect(await page.locator("#count").textContent()).toBe(`1 of ${all.length} events`);
    await page.keyboard.press("Enter");
    await page.waitForURL(/nlp\.intent\.detected\.v1\.html$/);
    expect(await page.locator("h1").textContent()).toBe("nlp.intent.detected@1");
    expect(await page.locator("td code", { hasText: /^confidence$/ }).count()).toBe(1);
    expect(wrong).toEqual([]);
  });

  test("is searched from the page of an event, in fields and descriptions too", async () => {
    const { page, wrong, url } = await open(OURS);
    await page.goto(url.replace("index.html", "repo.skill.install.v1.html"));
    await page.getByRole("link", { name: "repo.skill.install.result@1" }).click();
    await page.getByLabel("Search").fill("how sure recognizer");
    await page.keyboard.press("Enter");
    await page.waitForURL(/index\.html\?q=how/);
    expect(await shownEvents(page)).toEqual(["nlp.intent.detected@1"]);
    await page.getByLabel("Search").fill("no such thing");
    expect(await shownEvents(page)).toEqual([]);
    expect(wrong).toEqual([]);
  });

  test("fits a phone, and follows the reader's choice of light or dark", async () => {
    const { page, wrong, url } = await open(OURS, 360);
    for (const file of ["index.html", "nlp.intent.detected.v1.html", "mesh.policy.denied.v1.html"]) {
      await page.goto(url.replace("index.html", file));
      const widest = await page.evaluate("document.documentElement.scrollWidth");
      expect(widest, file).toBeLessThanOrEqual(360);
    }
    const paper = (): Promise<unknown> => page.evaluate("getComputedStyle(document.body).backgroundColor");
    await page.emulateMedia({ colorScheme: "light" });
    const light = await paper();
    await page.emulateMedia({ colorScheme: "dark" });
    expect(await paper()).not.toBe(light);
    expect(wrong).toEqual([]);
  });

  test("shows a hostile registry as text", async () => {
    const { page, wrong } = await open(await writtenRegistry(HOSTILE));
    await page.getByLabel("Search").fill("<script>window");
    expect(await shownEvents(page)).toEqual(["constructor.prototype@1"]);
    await page.keyboard.press("Enter");
    await page.waitForURL(/constructor\.prototype\.v1\.html$/);
    expect(await page.locator("main").textContent()).toContain('<img src=x onerror="window.pwned=1">');
    expect(await page.evaluate("window.pwned")).toBeUndefined();
    expect(await page.locator("main img, main script, main iframe").count()).toBe(0);
    expect(wrong).toEqual([]);
  });
});
