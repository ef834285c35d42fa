import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROWSER_FILE, launchBrowser } from "../../kit/browser.ts";
import { TestMesh } from "../../kit/mesh.ts";
import { TestViewer } from "../../kit/viewer.ts";

/*
 * The page of the mesh on two subnets: what it draws, what it tells of a node and a link, a hub's server that hangs,
 * and what has changed.
 */

interface Map {
  readonly links: readonly { subnet: string; direction: string; state: string; carried?: number }[];
  readonly nodes: readonly { id: string; published?: number; handled?: number }[];
}

describe.skipIf(BROWSER_FILE === undefined)("the page of the mesh", () => {
  let mesh: TestMesh;
  let viewer: TestViewer;
  let browser: Browser;
  let page: Page;
  let wrong: string[];
  beforeAll(async () => {
    [mesh, browser] = await Promise.all([TestMesh.start(), launchBrowser()]);
    viewer = await TestViewer.start(mesh.state);
    ({ page, wrong } = await viewer.open(browser, "/mesh", { role: "viewer" }));
  });
  afterAll(async () => {
    await browser?.close();
    await viewer?.stop();
    await mesh?.stop();
  });
  const look = async (): Promise<Map> => (await viewer.ask("/api/mesh", "viewer")).json() as Promise<Map>;
  const drawn = (name: RegExp) => page.locator(".mesh-map").getByRole("link", { name });

  test("draws every node and link, and opens one by the keyboard", async () => {
    for (const id of [
      "root",
      "alpha/hub",
      "alpha/kitchen",
      "alpha/speaker",
      "beta/hub",
      "beta/desk",
      "beta/lamp",
    ])
      await drawn(new RegExp(`^${id}, ready`)).waitFor();
    for (const link of ["up alpha", "down alpha", "up beta", "down beta"])
      await drawn(new RegExp(`^link ${link}, ready`)).waitFor();
    await drawn(/^alpha\/kitchen,/).focus();
    await page.keyboard.press("Enter");
    const side = page.getByRole("region", { name: "Details of alpha/kitchen" });
    await side.getByText("journal-ui").waitFor();
    await side.getByText("outbox", { exact: true }).waitFor();
    expect(new URL(page.url()).searchParams.get("show")).toBe("alpha/kitchen");
    const live = await side.getByRole("link", { name: "Live events" }).getAttribute("href");
    expect(live).toBe("/live?at=alpha&origin=alpha%2Fkitchen");
    await drawn(/^link down beta,/).press("Enter");
    await page.getByRole("region", { name: "Details of down beta" }).getByText("serves").waitFor();
    await page.getByRole("button", { name: "Close" }).press("Enter");
    await page.getByRole("region", { name: "Details of down beta" }).waitFor({ state: "detached" });
  });

  test("shows how many events each member and link takes in a second", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const desk = await mesh.connect("beta/desk");
    await desk.subscribe("ui.notify", { durable: "screen" }, () => undefined);
    const clock = setInterval(
      () => void kitchen.publish("ui.notify", { text: "x" }).catch(() => undefined),
      20,
    );
    try {
      await expect
        .poll(
          async () => {
            const { nodes, links } = await look();
            const of = (id: string) => nodes.find((node) => node.id === id);
            const carried = links.filter(({ carried: rate = 0 }) => rate > 5);
            return [
              (of("alpha/kitchen")?.published ?? 0) > 5,
              (of("beta/desk")?.handled ?? 0) > 5,
              carried.map(({ direction, subnet }) => `${direction} ${subnet}`),
            ];
          },
          { timeout: 20_000, interval: 500 },
        )
        .toEqual([true, true, ["up alpha", "down beta"]]);
      const row = page
        .getByRole("table", { name: "Nodes of the mesh" })
        .getByRole("row", { name: /^alpha\/kitchen / });
      await expect
        .poll(() => row.getByRole("cell").nth(2).textContent(), { timeout: 10_000 })
        .toMatch(/^[1-9]/);
    } finally {
      clearInterval(clock);
    }
  });

  test("shows a link whose hub's server hangs within 10 s, and its healing", async () => {
    const goOn = mesh.freeze("nats-beta");
    const beganMs = performance.now();
    try {
      await drawn(/^link up beta, down.*: /).waitFor({ timeout: 15_000 });
      expect(performance.now() - beganMs).toBeLessThan(10_000);
      await drawn(/^link up alpha, ready/).waitFor();
      await page.locator(".mesh-map text", { hasText: "nats-beta is down" }).waitFor();
    } finally {
      goOn();
    }
    const healsMs = performance.now();
    await drawn(/^link up beta, ready/).waitFor({ timeout: 15_000 });
    expect(performance.now() - healsMs).toBeLessThan(10_000);
  });

  test("tells what has changed, by kind", async () => {
    const changes = page.getByRole("region", { name: "What changed" });
    await changes.getByText("the link is up").first().waitFor();
    await changes.getByText("ready after").first().waitFor();
    process.kill(mesh.pid("beta/lamp"), "SIGKILL");
    await page.getByLabel("Processes").check();
    await changes
      .getByText(/^restarted: /)
      .first()
      .waitFor({ timeout: 30_000 });
    expect(await changes.getByText("the link is up").count()).toBe(0);
    expect(new URL(page.url()).searchParams.getAll("kind")).toEqual(["process"]);
    expect(wrong).toEqual([]);
  });

  test("refuses a kind of change that there is none of", async () => {
    expect((await viewer.ask("/api/mesh/changes?kind=secret", "viewer")).status).toBe(400);
    expect((await viewer.ask("/api/mesh/node?id=nobody", "viewer")).status).toBe(200);
  });
});
