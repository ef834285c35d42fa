import { readFileSync } from "node:fs";
import { type Bus, NonRetryableError, RetryableError } from "@adaos/client";
import type { EventKnown, EventTrace, EventWhy } from "@adaos/viewer";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROWSER_FILE, launchBrowser } from "../../kit/browser.ts";
import { TestMesh, until } from "../../kit/mesh.ts";
import { TestViewer } from "../../kit/viewer.ts";

const YAML = `mesh: tales
registry: ../schemas/events
subnets:
  alpha:
    export: [nlp., ui.]
    import: [ui.]
    members:
      kitchen: { publish: [nlp., ui., scenario.], subscribe: [ui., timer.] }
      speaker: { publish: [ui.], subscribe: [nlp., ui.] }
  beta:
    export: [ui.]
    import: [nlp., ui.]
    members:
      desk: { publish: [ui.], subscribe: [nlp., ui.] }
policy:
  - { id: no-talk, deny: import, events: nlp.intent.detected, subnet: beta, from: { subnet: alpha } }
`;
/** A writer's text that would be markup, a line of ours, or turned around. */
const HOSTILE = '<img src=x onerror="alert(1)"><script>alert(2)</script>\u001b[31m\u202egnirts\u0007 {{x}}';
const LONG = 200_000;

describe.skipIf(BROWSER_FILE === undefined)("the page Event", () => {
  let mesh: TestMesh;
  let viewer: TestViewer;
  let browser: Browser;
  let kitchen: Bus;

  beforeAll(async () => {
    [mesh, browser] = await Promise.all([TestMesh.start({ yaml: YAML }), launchBrowser()]);
    viewer = await TestViewer.start(mesh.state);
    kitchen = await mesh.connect("alpha/kitchen");
    const [speaker, desk] = [await mesh.connect("alpha/speaker"), await mesh.connect("beta/desk")];
    await desk.subscribe("ui.notify", { durable: "screen" }, async (event) => {
      const { text } = event.data as { text: string };
      if (text === "ask") await desk.publish("ui.notify", { text: "answer" });
    });
    const impatient = { baseMs: 20, factor: 1, maxRetries: 2, jitter: 0 };
    await desk.subscribe("ui.notify", { durable: "broken", retry: impatient }, (event) => {
      const { text } = event.data as { text: string };
      if (text === "break") throw new RetryableError("the screen is <b>busy</b>");
      if (text === "hostile") throw new NonRetryableError(HOSTILE);
    });
    await speaker.subscribe("ui.notify", { durable: "voice" }, () => undefined);
    await speaker.subscribe("nlp.intent.detected", { durable: "talk" }, () => undefined);
  });
  afterAll(async () => {
    await browser?.close();
    await viewer?.stop();
    await mesh?.stop();
  });

  const notify = async (text: string): Promise<string> =>
    (await kitchen.publish("ui.notify", { text })).eventId;
  const asked = async <T>(path: string): Promise<T> => (await viewer.ask(path)).json() as Promise<T>;
  const traceOf = (id: string): Promise<EventTrace> => asked(`/api/event/trace?id=${id}`);
  const read = async (locator: Locator): Promise<string> => (await locator.textContent()) ?? "";
  const textOf = (page: Page): Promise<string> => read(page.locator("main"));

  /** @param refused How many questions the API refuses, which the browser reports too. */
  async function open(path: string, refused = 0): Promise<{ page: Page; close: () => Promise<void> }> {
    const { page, wrong } = await viewer.open(browser, path);
    return {
      page,
      close: async () => {
        const isRefusal = (text: string): boolean => text.includes("status of 400");
        expect(wrong.filter((text) => !isRefusal(text))).toEqual([]);
        expect(wrong.filter(isRefusal).length).toBe(refused);
        await page.context().close();
      },
    };
  }

  test("shows what an event has caused in another subnet, with hops, handlers and times", async () => {
    const id = await notify("ask");
    await until("the answer is handled", async () => {
      const { trace } = await traceOf(id);
      const [child] = trace.roots[0]?.caused ?? [];
      return (
        child?.handlings.some(
          ({ durable, state }) => durable === "alpha/speaker/voice" && state === "handled",
        ) === true
      );
    });
    const { page, close } = await open(`/event/${id}`);
    await page.getByText("2 events in").waitFor();
    await page.getByText(`adaos why ${id}`).waitFor();
    const text = await textOf(page);
    for (const told of [
      "stored in EVENTS_alpha",
      "stored in MESH",
      "stored in EVENTS_beta",
      "beta/desk/screen handled",
      "alpha/speaker/voice handled",
      `adaos why ${id}`,
    ])
      expect(text).toContain(told);
    // By keyboard alone: the tree is folded, unfolded, and the caused event chosen.
    const tree = page.locator("table.trace");
    const before = await tree.locator("tbody tr").count();
    await tree.locator("button.fold").first().focus();
    await page.keyboard.press("ArrowLeft");
    await expect.poll(() => tree.locator("tbody tr").count()).toBe(1);
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => tree.locator("tbody tr").count()).toBe(before);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    const { trace } = await traceOf(id);
    const child = trace.roots[0]?.caused[0]?.event_id ?? "";
    await page.getByRole("heading", { name: child }).waitFor();
    expect(new URL(page.url()).searchParams.get("sel")).toBe(child);
    await page.getByText('"text": "answer"').waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download as OTLP JSON" }).click(),
    ]);
    const otlp = JSON.parse(readFileSync(await download.path(), "utf8")) as { resourceSpans: unknown[] };
    expect(otlp).toEqual(JSON.parse((await mesh.ask(["trace", id, "--otlp", "-"])).stdout));
    await close();
  });

  test("shows attempts, their errors and the dead letter of a handler that fails", async () => {
    const id = await notify("break");
    await until("it is a dead letter", async () => {
      const { known } = await asked<Partial<EventKnown>>(`/api/event/known?id=${id}`);
      return known?.dead_letters.length === 1;
    });
    const { page, close } = await open(`/event?id=${id}`);
    await page.getByRole("heading", { name: "Attempts at beta/desk/broken" }).waitFor();
    const attempts = page.getByRole("table", { name: "Failed attempts at broken" });
    expect(await attempts.locator("tbody tr").count()).toBe(3);
    expect(await read(attempts)).toContain("RetryableError: the screen is <b>busy</b>");
    const { known } = await asked<EventKnown>(`/api/event/known?id=${id}`);
    const letter = known.dead_letters[0]?.dead_letter_id ?? "";
    const link = page
      .getByRole("table", { name: "Handlers of the event" })
      .getByRole("link", { name: letter });
    // A hub that is busy may have been left out of the first answer.
    const shown = async (): Promise<number> => {
      const count = await link.count();
      if (count === 0) await page.getByRole("button", { name: "Look again" }).click();
      return count;
    };
    await expect.poll(shown, { timeout: 60_000, interval: 3000 }).toBe(1);
    expect(await link.getAttribute("href")).toBe(`/dead-letters?text=${letter}`);
    const detail = JSON.parse((await mesh.ask(["events", "detail", id, "--json"])).stdout) as object;
    expect(known).toEqual(detail);
    await page.goto(`${viewer.url}/event?id=${letter}`);
    await page.getByRole("heading", { name: "Attempts at beta/desk/broken" }).waitFor();
    await close();
  });

  test("tells why an event did not arrive, with the rule that the command names", async () => {
    const data = { intent: "lights.on", slots: {}, locale: "en" };
    const { eventId } = await kitchen.publish("nlp.intent.detected", data);
    const command = ["why", "nlp.intent.detected", "--from", "alpha/kitchen", "--to", "beta/desk", "--json"];
    const verdict = JSON.parse((await mesh.adaos(command)).stdout) as EventWhy["verdicts"][number];
    expect(verdict).toMatchObject({ verdict: "denied", by: "no-talk" });
    const { page, close } = await open("/event?view=why");
    await page.getByLabel("Id of an event, or its name").fill("nlp.intent.detected");
    await page.getByLabel("Publisher").fill("alpha/kitchen");
    await page.getByLabel("Receiver").fill("beta/desk");
    await page.getByRole("button", { name: "Ask why" }).click();
    const card = page.getByRole("region", { name: "Verdict on beta/desk" });
    await card.waitFor();
    const shown = await read(card);
    const { hop, reason, by = "", place = "", next } = verdict;
    for (const told of ["denied", hop, reason, by, place, next]) expect(shown).toContain(told);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await card.getByRole("button", { name: "Copy" }).click();
    await card.getByText("Copied").waitFor();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(next);
    // By its id, each durable has its own verdict.
    await page.goto(`${viewer.url}/event?view=why&event=${eventId}`);
    await page
      .getByRole("region", { name: "Verdict on alpha/speaker/talk" })
      .getByText("delivered")
      .waitFor();
    await close();
  });

  test("finds events by name, and says what is wrong with a search", async () => {
    const id = await notify("find me");
    const { page, close } = await open("/event", 2);
    await page.getByLabel("Event: a name").fill("ui.");
    await page.getByLabel("Published by").fill("alpha/kitchen");
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByRole("row").filter({ hasText: id }).getByRole("link").click();
    await page.getByText('"text": "find me"').waitFor();
    await page.getByRole("link", { name: "Find an event" }).click();
    await page.getByLabel("Id of an event").fill("EVT-20260105-093000-0123456789ab");
    await page.getByRole("button", { name: "Open" }).click();
    await page.getByText(/no stream holds an event of/).waitFor();
    await page.getByText(/nothing is known of/).waitFor();
    await close();
    expect((await viewer.ask("/api/event/search?name=ui..x")).status).toBe(400);
    expect((await viewer.ask("/api/event/why?event=ui.notify")).status).toBe(400);
  });

  test("shows hostile texts as text", async () => {
    const slots = { [HOSTILE]: HOSTILE, long: "ж".repeat(LONG / 2) };
    const { eventId } = await kitchen.publish("nlp.intent.detected", {
      intent: HOSTILE.slice(0, 20),
      slots,
      locale: "en",
    });
    const dead = await notify("hostile");
    await until("it is a dead letter", async () => {
      const { known } = await asked<Partial<EventKnown>>(`/api/event/known?id=${dead}`);
      return known?.dead_letters.length === 1;
    });
    const { page, close } = await open(`/event?id=${eventId}`, 2);
    await page.getByText("more characters").waitFor();
    expect(await textOf(page)).toContain("⟨U+202E⟩");
    await page.goto(`${viewer.url}/event?id=${dead}`);
    await page.getByRole("heading", { name: "Dead letter" }).waitFor();
    const text = await textOf(page);
    expect(text).toContain('<img src=x onerror="alert(1)">');
    for (const unseen of ["\u202e", "\u0007", "\u001b"]) expect(text).not.toContain(unseen);
    expect(await page.locator("main img, main script").count()).toBe(0);
    // An address may hold anything too.
    await page.goto(`${viewer.url}/event?id=${encodeURIComponent(HOSTILE)}`);
    await page.getByText(/no stream holds an event of/).waitFor();
    expect(await page.locator("main img, main script").count()).toBe(0);
    await page.getByText(/nothing is known of/).waitFor();
    await close();
  });
});
