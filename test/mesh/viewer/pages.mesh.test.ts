import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROWSER_FILE, launchBrowser } from "../../kit/browser.ts";
import { TestMesh } from "../../kit/mesh.ts";
import { TestViewer } from "../../kit/viewer.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PAGES = [
  "/live",
  "/mesh",
  "/event",
  "/dead-letters",
  "/behaviour",
  "/contracts",
  "/policy",
  "/health",
  "/analysis/r_v0_1_resilience",
];

let mesh: TestMesh;
let viewer: TestViewer;
let browser: Browser;
beforeAll(async () => {
  if (BROWSER_FILE === undefined) return;
  mesh = await TestMesh.start();
  viewer = await TestViewer.start(mesh.state);
  browser = await launchBrowser();
  const bus = await mesh.connect("alpha/kitchen");
  for (const text of ["Tea", "\u202egpj.exe", "<b>bold</b>"]) await bus.publish("ui.notify", { text });
});
afterAll(async () => {
  await browser?.close();
  await viewer?.stop();
  await mesh?.stop();
});

/** Faults that axe finds, one line each. */
async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const { violations } = await axe.run();
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
  });
}

/** Waits until nothing is being asked any more. */
async function untilDrawn(page: Page): Promise<void> {
  await page.locator("main h1").waitFor();
  await expect.poll(() => page.locator("main [aria-busy=true]").count(), { timeout: 20_000 }).toBe(0);
}

describe.skipIf(BROWSER_FILE === undefined)("each page", () => {
  test.each(PAGES)("%s has no fault that axe finds, fits 400 px, and asks nobody else", async (path) => {
    for (const options of [{ width: 1280 }, { width: 400, colorScheme: "dark" }] as const) {
      const { page, wrong } = await viewer.open(browser, path, options);
      await untilDrawn(page);
      expect(await faultsOf(page), JSON.stringify(options)).toEqual([]);
      const wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
      expect(wide, "pixels to the right of the window").toBeLessThanOrEqual(0);
      expect(wrong).toEqual([]);
      await page.context().close();
    }
  });

  test("is reached by keyboard alone, and takes the focus", async () => {
    const { page } = await viewer.open(browser, "/live");
    await untilDrawn(page);
    for (let i = 0; i < 3; i++) await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Mesh");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Mesh" }).waitFor();
    await expect.poll(() => page.evaluate("document.activeElement.tagName")).toBe("H1");
    await page.goBack();
    await page.getByRole("heading", { level: 1, name: "Live" }).waitFor();
    await page.context().close();
  });
});
