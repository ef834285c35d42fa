import { readFileSync } from "node:fs";
import { readRunFile } from "@adaos/supervise";
import type { Browser, CDPSession } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROWSER_FILE, launchBrowser } from "../../kit/browser.ts";
import { TestMesh } from "../../kit/mesh.ts";

/** The whole run is ten minutes; a short one, with every suite, finds what grows with each event. */
const RUN_MS = Number(process.env["ADAOS_TEST_VIEWER_SECONDS"] ?? 40) * 1000;
const EVENTS_PER_SECOND = 1000;
/** The heap is measured after it was collected; a process keeps some of what it has once needed. */
const MAX_GROWTH = 1.3;
const ROOM_BYTES = 48 * 1024 * 1024;

const YAML = `
mesh: flat
registry: ../schemas/events
durability: relaxed
viewer: { port: 7481 }
streams: { maxBytes: 1073741824 }
subnets:
  alpha:
    members:
      kitchen: { publish: [ui.] }
`;

let mesh: TestMesh;
let browser: Browser;
beforeAll(async () => {
  if (BROWSER_FILE === undefined) return;
  mesh = await TestMesh.start({ yaml: YAML });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await mesh?.stop();
});

async function heapBytes(devtools: CDPSession): Promise<number> {
  await devtools.send("HeapProfiler.collectGarbage");
  const { metrics } = await devtools.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "JSHeapUsedSize")?.value ?? 0;
}

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
}

describe.skipIf(BROWSER_FILE === undefined || process.platform !== "linux")(
  "at 1,000 events a second",
  () => {
    test("neither the page nor its server grows", { timeout: RUN_MS + 120_000 }, async () => {
      const { stdout } = await mesh.adaos(["view", "--json"]);
      const { link } = JSON.parse(stdout) as { readonly link: string };
      const page = await browser.newPage();
      await page.goto(link.replace("/#", "/live#"));
      await page.getByRole("heading", { level: 1, name: "Live" }).waitFor();
      const devtools = await page.context().newCDPSession(page);
      await devtools.send("Performance.enable");
      const { pid } = readRunFile(mesh.state, "viewer") ?? { pid: 0 };
      const bus = await mesh.connect("alpha/kitchen");
      const startedMs = performance.now();
      let sent = 0;
      let early: readonly [number, number] | undefined;
      while (performance.now() - startedMs < RUN_MS) {
        const due = Math.floor(((performance.now() - startedMs) / 1000) * EVENTS_PER_SECOND) - sent;
        await Promise.all(
          Array.from({ length: Math.min(due, 500) }, (_, i) =>
            bus.publish("ui.notify", { text: `event ${sent + i}` }),
          ),
        );
        sent += Math.min(due, 500);
        if (early === undefined && performance.now() - startedMs > RUN_MS / 3)
          early = [await heapBytes(devtools), residentBytes(pid)];
        await new Promise((resolve) => setImmediate(resolve));
      }
      const [heap, resident] = early ?? [0, 0];
      const late = [await heapBytes(devtools), residentBytes(pid)] as const;
      const mib = (bytes: number): string => (bytes / 1_048_576).toFixed(1);
      console.info(
        `${sent} events; page ${mib(heap)} to ${mib(late[0])} MiB, server ${mib(resident)} to ${mib(late[1])} MiB`,
      );
      expect(sent).toBeGreaterThan((RUN_MS / 1000) * 100);
      expect(late[0]).toBeLessThan(heap * MAX_GROWTH + ROOM_BYTES);
      expect(late[1]).toBeLessThan(resident * MAX_GROWTH + ROOM_BYTES);
      expect(await page.locator("main").textContent()).toContain("event ");
      await page.close();
    });
  },
);
