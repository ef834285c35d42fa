import { isDeepStrictEqual } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROWSER_FILE, launchBrowser } from "../../kit/browser.ts";
import { TestMesh } from "../../kit/mesh.ts";
import { TestViewer } from "../../kit/viewer.ts";

/* The pages of contracts and of policy, on a mesh of two subnets. */

interface Found {
  readonly event: string;
}

describe.skipIf(BROWSER_FILE === undefined)("on a mesh of two subnets", () => {
  let mesh: TestMesh;
  let viewer: TestViewer;
  let browser: Browser;
  beforeAll(async () => {
    [mesh, browser] = await Promise.all([TestMesh.start(), launchBrowser()]);
    viewer = await TestViewer.start(mesh.state);
    const kitchen = await mesh.connect("alpha/kitchen");
    const desk = await mesh.connect("beta/desk");
    await desk.subscribe("ui.notify", { durable: "screen" }, () => undefined);
    for (let i = 0; i < 3; i++) await kitchen.publish("ui.notify", { text: "x" });
  });
  afterAll(async () => {
    await browser?.close();
    await viewer?.stop();
    await mesh?.stop();
  });

  describe("the page of contracts", () => {
    let page: Page;
    let wrong: string[];
    beforeAll(async () => {
      ({ page, wrong } = await viewer.open(browser, "/contracts", { role: "viewer" }));
    });
    const rows = () => page.getByRole("table", { name: "Events of the registry" }).getByRole("row");

    test("lists every event with its number, and finds one by the name of a field", async () => {
      const notify = rows().filter({ hasText: "ui.notify@1" });
      await expect.poll(() => notify.getByRole("cell").nth(3).textContent(), { timeout: 10_000 }).toBe("3");
      expect(await rows().count()).toBeGreaterThan(10);
      await page.getByRole("searchbox").fill("duration_ms ready");
      await expect.poll(() => rows().count(), { timeout: 15_000 }).toBe(2);
      await rows().getByText("field duration_ms").waitFor();
      expect(new URL(page.url()).searchParams.get("q")).toBe("duration_ms ready");
      await page.getByRole("searchbox").fill("no such word");
      await page.getByText("No event has all these words").waitFor();
    });

    test("shows fields, examples and what was seen of one", async () => {
      await page.getByRole("searchbox").fill("ui.notify");
      await page.getByRole("link", { name: "ui.notify@1" }).press("Enter");
      await page
        .getByRole("table", { name: "Fields of the data" })
        .getByRole("row", { name: /^text string yes/ })
        .waitFor();
      await page.getByText("from alpha/kitchen").waitFor();
      const seen = page.getByRole("table", { name: "Producers and consumers, declared and seen" });
      await seen.getByRole("row", { name: /^consumer screen no beta\/desk/ }).waitFor();
      expect(await page.getByRole("link", { name: "Live", exact: true }).last().getAttribute("href")).toBe(
        "/live?pattern=ui.notify%401",
      );
      await page.getByText("JSON Schema of the data").press("Enter");
      await page.getByText("urn:adaos:schema:ui.notify:v1").waitFor();
    });

    test("compares two versions", async () => {
      await page.goto(`${viewer.url}/contracts?event=infra.database.health.checked@2`);
      await page.getByRole("table", { name: "Changes since infra.database.health.checked@1" }).waitFor();
    });

    test("finds the drift that the command finds", async () => {
      await page.goto(`${viewer.url}/contracts`);
      await page.getByRole("button", { name: "Compare with the last 24 hours" }).click();
      const table = page.getByRole("table", { name: "Drift of the last 24 hours" });
      await table.waitFor();
      const told = (await mesh.ask(["events", "registry", "drift", "--since", "24h", "--json"])).stdout;
      const answer = (await (await viewer.ask("/api/contracts-drift", "viewer")).json()) as {
        drifts: Found[];
      };
      // Daemons report their start meanwhile, which is drift of other events.
      const ofUi = ({ event }: Found): boolean => event.startsWith("ui.");
      const lines = told
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Found);
      expect(answer.drifts.filter(ofUi)).toEqual(lines.filter(ofUi));
      expect(lines.filter(ofUi).length).toBeGreaterThan(0);
      expect(await table.getByRole("row").count()).toBe(answer.drifts.length + 1);
      expect(wrong).toEqual([]);
      expect((await viewer.ask("/api/contracts/no.such.event", "viewer")).status).toBe(400);
    });
  });

  describe("the page of policy", () => {
    let page: Page;
    let wrong: string[];
    beforeAll(async () => {
      ({ page, wrong } = await viewer.open(browser, "/policy", { role: "viewer" }));
    });

    test("lists who may what, by which rule and line", async () => {
      const table = page.getByRole("table", { name: "Rights by member" });
      await table
        .getByRole("row", {
          name: /^beta\/lamp publish allow system\.boot\.completed start .*mesh\.yaml:\d+:\d+/,
        })
        .waitFor();
      await page.locator("select").last().selectOption("beta/lamp");
      await table.getByRole("row", { name: /^beta\/lamp subscribe .*ui\.notify@1$/ }).waitFor();
      expect(await table.getByRole("row", { name: /alpha/ }).count()).toBe(0);
    });

    test("explains hop by hop, as the command does", async () => {
      await page.getByLabel("Event", { exact: true }).fill("ui.notify");
      await page.getByLabel("As member").fill("alpha/kitchen");
      await page.getByLabel("To member").fill("beta/desk");
      await page.getByRole("button", { name: "Explain" }).press("Enter");
      await page.getByText("It passes every hop.").waitFor();
      expect(await page.getByRole("table", { name: "Hops" }).getByRole("row").count()).toBe(5);
      for (const [event, expected] of [
        ["ui.notify", 0],
        ["timer.tick@1", 77],
        ["no.such.thing", 77],
      ] as const) {
        const asked = [
          "policy",
          "explain",
          "publish",
          event,
          "--as",
          "alpha/kitchen",
          "--to",
          "beta/desk",
          "--json",
        ];
        const query = new URLSearchParams({ verb: "publish", event, as: "alpha/kitchen", to: "beta/desk" });
        let told = { code: -1, stdout: "{}" };
        // A daemon that answers one of both too late is not in force for it.
        await expect
          .poll(
            async () => {
              told = await mesh.ask([...asked, "--config", mesh.configFile]);
              const answer: unknown = await (
                await viewer.ask(`/api/policy/explain?${query}`, "viewer")
              ).json();
              return [told.code, answer];
            },
            { timeout: 30_000 },
          )
          .toSatisfy(([code, answer]: [number, unknown]) => {
            return code === expected && isDeepStrictEqual(answer, JSON.parse(told.stdout));
          });
      }
      expect(
        (await viewer.ask("/api/policy/explain?verb=publish&event=ui.notify&as=alpha/nobody")).status,
      ).toBe(400);
    });

    test("shows a denial of the mesh with its rule", async () => {
      const lamp = await mesh.openMember("beta/lamp");
      try {
        // Without the library, which would ask its own policy first.
        const wish = {
          durable: "x",
          pattern: "nlp.",
          from: {},
          maxAckPending: 1,
          startAt: "new",
          answers: false,
        };
        await lamp.nc.request("svc.hub.lamp.durable", JSON.stringify(wish), { timeout: 5000 });
        await page
          .getByRole("table", { name: "Denials by rule" })
          .getByRole("row", { name: /1 subscribe beta\/lamp nlp\. default-deny/ })
          .waitFor();
      } finally {
        await lamp.close();
      }
      expect(wrong).toEqual([]);
    });
  });
});
