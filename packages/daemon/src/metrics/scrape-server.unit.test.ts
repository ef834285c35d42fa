import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { freePort } from "../../../../test/kit/free-port.ts";
import { Scrape } from "./scrape.ts";
import { type ScrapeListen, ScrapeServer } from "./scrape-server.ts";

const HOST = "127.0.0.1";
const TOKEN = "0123456789abcdef";
const silent = (): void => undefined;
const LOG = { debug: silent, info: silent, warn: silent, error: silent };
const STATUS = { node: "root", role: "root", pid: 1, startedAt: "", ready: true, parts: {} };

describe("ScrapeServer", () => {
  let dir: string;
  let port: number;
  let server: ScrapeServer;
  let tokenFile: string;
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "adaos-scrape-"));
    port = await freePort();
    tokenFile = join(dir, "token");
    writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
  });
  afterEach(async () => {
    await server.stop();
    rmSync(dir, { recursive: true });
  });

  async function start(listen: Partial<ScrapeListen>): Promise<void> {
    const scrape = new Scrape({ status: () => STATUS, figures: () => [] });
    server = new ScrapeServer({ host: HOST, port, ...listen }, scrape, LOG, 20);
    await server.start();
  }
  const ask = (path = "/metrics", headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`http://${HOST}:${port}${path}`, { headers });
  const shown = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

  test("tells metrics to whom shows the token, and nothing to others", async () => {
    await start({ tokenFile });
    const response = await ask("/metrics", shown(TOKEN));
    expect([response.status, (await response.text()).includes("adaos_node_ready 1")]).toEqual([200, true]);
    const wrong = [{}, shown(""), shown(`${TOKEN}0`), shown("x"), { authorization: `Basic ${TOKEN}` }];
    const refused = await Promise.all(wrong.map((headers) => ask("/metrics", headers)));
    expect(refused.map(({ status }) => status)).toEqual(wrong.map(() => 401));
    expect(refused[0]?.headers.get("www-authenticate")).toBe("Bearer");
    expect((await ask("/status", shown(TOKEN))).status).toBe(404);
    expect((await ask("/status")).status).toBe(401);
  });

  test("takes a token that was replaced at once", async () => {
    await start({ tokenFile });
    writeFileSync(tokenFile, "fedcba9876543210");
    expect((await ask("/metrics", shown(TOKEN))).status).toBe(401);
    expect((await ask("/metrics", shown("fedcba9876543210"))).status).toBe(200);
  });

  test.each([
    ["is short", "123", 0o600],
    ["others may read", TOKEN, 0o644],
  ])("says so, and serves later, when its token %s", async (_, text, mode) => {
    rmSync(tokenFile);
    writeFileSync(tokenFile, text, { mode });
    await start({ tokenFile });
    expect(server.health()).toMatchObject({ ready: false, reason: expect.stringContaining(tokenFile) });
    rmSync(tokenFile);
    writeFileSync(tokenFile, TOKEN, { mode: 0o600 });
    await expect.poll(() => server.health().ready, { timeout: 10_000 }).toBe(true);
    expect((await ask("/metrics", shown(TOKEN))).status).toBe(200);
  });

  test("without a token answers by its own name only", async () => {
    await start({});
    expect((await ask()).status).toBe(200);
    const headers = { host: `evil.example:${port}` };
    const status = await new Promise((resolve, reject) => {
      get({ host: HOST, port, path: "/metrics", headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).once("error", reject);
    });
    expect(status).toBe(421);
  });
});
