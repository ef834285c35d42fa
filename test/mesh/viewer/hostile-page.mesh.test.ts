import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROWSER_FILE, launchBrowser } from "../../kit/browser.ts";
import { TestMesh } from "../../kit/mesh.ts";
import { randomFrom } from "../../kit/random.ts";
import { TestViewer } from "../../kit/viewer.ts";

const COUNT = 1000;
const SEED = 20_261_130;
const LONG = 200_000;

const PIECES = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  '"><svg onload=alert(1)>',
  "<iframe src=javascript:alert(1)>",
  "<style>*{display:none}</style>",
  "<a href=javascript:alert(1)>x</a>",
  "{{constructor.constructor('alert(1)')()}}",
  "</pre></bdi></td></table><h1>owned</h1>",
  "<!--",
  "]]>",
  "&lt;b&gt;&#x202e;",
  "__proto__",
  "\u202e\u2066\u200f\u061c",
  "\u0000\u0007\u001b[31m\u009b2J",
  "\u2028\u2029",
  "\ufeff\u200b\u00ad",
  "\ud800",
  "\u{e0041}\u{e0042}",
  "Z\u0351\u0362\u0340".repeat(20),
  "'; DROP TABLE events; --",
  "http://evil.example/",
  "data:text/html,<script>alert(1)</script>",
];

let mesh: TestMesh;
let viewer: TestViewer;
let browser: Browser;
const ids: string[] = [];
beforeAll(async () => {
  if (BROWSER_FILE === undefined) return;
  mesh = await TestMesh.start();
  viewer = await TestViewer.start(mesh.state);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await viewer?.stop();
  await mesh?.stop();
});

/** Publishes hostile texts, some as long as an event may be, and some as a link to follow. */
async function publishAll(): Promise<void> {
  const random = randomFrom(SEED);
  const piece = (): string => PIECES[Math.floor(random() * PIECES.length)] ?? "";
  const bus = await mesh.connect("alpha/kitchen");
  for (let i = 0; i < COUNT; i++) {
    const text = Array.from({ length: 1 + Math.floor(random() * 6) }, piece).join("");
    const whole = i % 100 === 0 ? text.repeat(Math.ceil(LONG / text.length)).slice(0, LONG) : text;
    // A publisher is refused where a text is none, or is too long.
    const { eventId } = await bus
      .publish("ui.notify", { text: whole }, { correlationId: `c-${text}`.slice(0, 60) })
      .catch(() => ({ eventId: "" }));
    if (eventId !== "") ids.push(eventId);
  }
}

/** What must not be on a page, whatever the events say. */
async function injected(page: Page): Promise<unknown> {
  return page.evaluate(`({
    elements: document.querySelectorAll("main script, main img, main iframe, main style, main object, main embed, main h1 ~ h1").length,
    links: [...document.querySelectorAll("a")].map((link) => new URL(link.getAttribute("href") ?? "", location.href).href).filter((href) => !href.startsWith(location.origin + "/")),
    unseen: (document.body.textContent.match(/[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff]/g) ?? []).length,
    polluted: Object.keys(Object.prototype).length,
  })`);
}

const CLEAN = { elements: 0, links: [], unseen: 0, polluted: 0 };

describe.skipIf(BROWSER_FILE === undefined)("hostile events", () => {
  test(`of ${COUNT} kinds show as text, on every page that shows events`, async () => {
    const live = await viewer.open(browser, "/live");
    await live.page.getByRole("heading", { level: 1, name: "Live" }).waitFor();
    await publishAll();
    expect(ids.length).toBeGreaterThan(COUNT / 2);
    await live.page.locator("main").getByText("alert(1)").first().waitFor();
    expect(await injected(live.page)).toEqual(CLEAN);
    for (const path of [
      ...ids.filter((_, i) => i % 97 === 0).map((id) => `/event?id=${id}`),
      "/live?since=10m",
      "/event",
      "/mesh",
      "/contracts",
      "/live?text=%3Cscript%3Ealert(1)%3C/script%3E",
      "/event?id=%3Cimg%20src=x%20onerror=alert(1)%3E",
      "/dead-letters?event=%3Cscript%3E",
      "/behaviour?tab=%3Cscript%3E",
      "/policy?as=%22%3E%3Cscript%3E",
    ]) {
      const { page, wrong } = await viewer.open(browser, path);
      await page.locator("main h1").waitFor();
      await expect.poll(() => page.locator("main [aria-busy=true]").count(), { timeout: 20_000 }).toBe(0);
      expect(await injected(page), path).toEqual(CLEAN);
      // A question that the server refuses is an error of the network for the browser, and a sentence for the reader.
      expect(
        wrong.filter((line) => !/status of 4\d\d/.test(line)),
        path,
      ).toEqual([]);
      await page.context().close();
    }
    expect(live.wrong).toEqual([]);
  });
});
