import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { BROWSER_FILE, launchBrowser } from "../../kit/browser.ts";
import { freePort } from "../../kit/free-port.ts";
import { TestMesh, until } from "../../kit/mesh.ts";
import { TestViewer } from "../../kit/viewer.ts";

/* A hub of three servers in one region, and the other region: what the viewer shows of them. */

const SUBNETS = {
  west: `attic: { servers: 3, export: [ui.], import: [ui.], members: { box: { publish: [ui.], subscribe: [ui.] } } }`,
  east: `cellar: { export: [ui.], import: [ui.], members: { box: { publish: [ui.], subscribe: [ui.] } } }`,
};

function yamlOf(name: "west" | "east", port: number, regions = "{}"): string {
  return `
mesh: ${name}
registry: ../schemas/events
root: { port: ${port} }
regions: ${regions}
subnets:
  ${SUBNETS[name]}
`;
}

interface Map {
  readonly nodes: readonly { readonly id: string; readonly standsBy?: boolean }[];
}

describe.skipIf(BROWSER_FILE === undefined)("the viewer of a hub of three with a region", () => {
  let west: TestMesh;
  let east: TestMesh;
  let viewer: TestViewer;
  let browser: Browser;
  let page: Page;
  let wrong: string[];

  /** The regions of a mesh file: the other mesh, with the key that it has made for this one. */
  async function regionsOf(name: string, other: TestMesh, otherName: string, port: number, subnet: string) {
    const { code, stdout, stderr } = await other.ask(["region", "key", name]);
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    const subnets = `{ ${subnet}: { members: [box] } }`;
    const url = `nats://127.0.0.1:${port}`;
    return `{ ${otherName}: { url: "${url}", key: ${stdout.trim()}, export: [ui.], import: [ui.], subnets: ${subnets} } }`;
  }

  beforeAll(async () => {
    const [westPort, eastPort] = [await freePort(), await freePort()];
    [west, east, browser] = await Promise.all([
      TestMesh.start({ yaml: yamlOf("west", westPort) }),
      TestMesh.start({ yaml: yamlOf("east", eastPort) }),
      launchBrowser(),
    ]);
    west.configure(yamlOf("west", westPort, await regionsOf("west", east, "east", eastPort, "cellar")));
    east.configure(yamlOf("east", eastPort, await regionsOf("east", west, "west", westPort, "attic")));
    for (const mesh of [west, east]) {
      const { code, stderr } = await mesh.adaos(["policy", "apply", "--yes"]);
      expect([code, stderr]).toEqual([0, expect.any(String)]);
    }
    viewer = await TestViewer.start(west.state);
    ({ page, wrong } = await viewer.open(browser, "/mesh", { role: "viewer" }));
  });
  afterAll(async () => {
    await browser?.close();
    await viewer?.stop();
    await Promise.all([west?.stop(), east?.stop()]);
  });

  const look = async (): Promise<Map> => (await viewer.ask("/api/mesh", "viewer")).json() as Promise<Map>;
  const drawn = (name: RegExp) => page.locator(".mesh-map").getByRole("link", { name });
  /** The drawing cuts what is long, and tells it whole to who points at it. */
  const untilTold = (hasText: string) => page.locator(".mesh-map text", { hasText }).waitFor();

  test("draws the daemon that serves, and lists those that stand by", async () => {
    const hubs = async () => (await look()).nodes.filter(({ standsBy }) => standsBy !== undefined);
    await until("one serves", async () => (await hubs()).some(({ standsBy }) => standsBy === false));
    const serving = (await hubs()).find(({ standsBy }) => standsBy === false)?.id ?? "";
    await drawn(new RegExp(`^${serving}, ready`)).waitFor();
    await untilTold("3 servers");
    const table = page.getByRole("table", { name: "Nodes of the mesh" });
    for (const id of ["attic/hub", "attic/hub-2", "attic/hub-3"])
      await table.getByRole("link", { name: id, exact: true }).waitFor();
    expect(await table.getByText(/stands by for hub/).count()).toBe(2);
  });

  test("tells a server that is down, and which daemon serves then", async () => {
    const serving = (await look()).nodes.find(({ standsBy }) => standsBy === false)?.id ?? "";
    const name = serving === "attic/hub" ? "nats-attic" : `nats-attic-${serving.slice(-1)}`;
    const goOn = west.freeze(name, serving);
    onTestFinished(goOn);
    await untilTold(`${name} is down`);
    await until("another serves", async () => {
      return (await look()).nodes.some(({ id, standsBy }) => id !== serving && standsBy === false);
    });
    goOn();
    await untilTold("3 servers");
  });

  test("lists the other region, its link and what becomes of it", async () => {
    const row = page.getByRole("table", { name: "Links from other regions" }).getByRole("row");
    await row.filter({ hasText: "east" }).filter({ hasText: "ready" }).waitFor();
    const there = await east.connect("cellar/box");
    const { eventId } = await there.publish("ui.notify", { text: "from the other region" });
    // The hops of the event: this region's root, and the hub of three.
    await until("it came", async () => {
      const asked = await viewer.ask(`/api/event/trace?id=${eventId}`, "viewer");
      const hops = ["MESH", "EVENTS_attic"];
      const text = await asked.text();
      return asked.status === 200 && hops.every((stream) => text.includes(`"stream":"${stream}"`));
    });
    expect(await viewer.bugs()).toEqual([]);
    // A question that the hung server had not answered in time was asked again.
    expect(wrong.filter((text) => !text.includes("504 (Gateway Timeout)"))).toEqual([]);
  });
});
