import { request } from "node:http";
import { makeToken, revokeToken, revokeTokens } from "@adaos/viewer";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROWSER_FILE, launchBrowser } from "../../kit/browser.ts";
import { TestMesh } from "../../kit/mesh.ts";
import { TestViewer } from "../../kit/viewer.ts";

let mesh: TestMesh;
let viewer: TestViewer;
beforeAll(async () => {
  mesh = await TestMesh.start();
  viewer = await TestViewer.start(mesh.state);
});
afterAll(async () => {
  await viewer?.stop();
  await mesh?.stop();
});

/** Asks with headers that `fetch` would not let a program set. */
function raw(path: string, headers: Record<string, string>, method = "GET", body = ""): Promise<number> {
  const { port } = new URL(viewer.url);
  return new Promise((resolve, reject) => {
    const asked = request({ port, path, method, headers, agent: false }, (response) => {
      response.resume().once("end", () => resolve(response.statusCode ?? 0));
    });
    asked.once("error", reject);
    asked.end(body);
  });
}

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const status = async (token: string): Promise<number> =>
  (await fetch(`${viewer.url}/api/session`, { headers: bearer(token) })).status;

describe("a request to the viewer", () => {
  test("without a token, with a stale, forged or revoked one gets nothing", async () => {
    expect((await fetch(`${viewer.url}/api/session`)).status).toBe(401);
    expect(await status(viewer.token("operator", Date.now() - 1))).toBe(401);
    const token = viewer.token("viewer");
    const [id = "", secret = ""] = token.split(".");
    const [operator = ""] = viewer.token("operator").split(".");
    for (const forged of [
      `${operator}.${secret}`,
      `${id}.`,
      `.${secret}`,
      `../tokens/${token}`,
      ".",
      "x",
      `${token}A`,
      "A".repeat(10_000),
    ])
      expect(await status(forged), forged.slice(0, 40)).toBe(401);
    const other = makeToken(mesh.state, { name: "panel", role: "viewer" });
    expect(await status(token)).toBe(200);
    revokeToken(mesh.state, id);
    expect(await status(token)).toBe(401);
    expect(await status(other)).toBe(200);
    revokeTokens(mesh.state);
    expect(await status(other)).toBe(401);
    expect(await status(token)).toBe(401);
  });

  test("that names another host or comes from another origin is refused", async () => {
    const { host, port } = new URL(viewer.url);
    const headers = bearer(viewer.token());
    expect(await raw("/api/session", { ...headers, host })).toBe(200);
    expect(await raw("/api/session", { ...headers, host: `localhost:${port}` })).toBe(200);
    for (const other of ["evil.example", `evil.example:${port}`, "127.0.0.1:1", "127.0.0.1"])
      expect(await raw("/api/session", { ...headers, host: other }), other).toBe(421);
    expect(await raw("/", { host: "evil.example" })).toBe(421);
    for (const origin of [
      "http://evil.example",
      "null",
      `https://${host}`,
      "http://127.0.0.1:1",
      `http://${host}.evil`,
    ])
      expect(await raw("/api/session", { ...headers, host, origin }), origin).toBe(403);
    expect(await raw("/api/session", { ...headers, host, origin: `http://${host}` })).toBe(200);
  });
});

describe("each question", () => {
  test("has an answer, or says what it lacks", async () => {
    expect(await viewer.bugs()).toEqual([]);
  });
});

interface Path {
  readonly method: string;
  readonly path: string;
  readonly role: string;
}

/** Every path of the API, with made-up parts. */
async function paths(): Promise<readonly Path[]> {
  const { paths: all } = (await (await viewer.ask("/api")).json()) as { readonly paths: readonly Path[] };
  return all.map((one) => ({ ...one, path: one.path.replaceAll(/:\w+/g, "1") }));
}

describe("a token of role viewer", () => {
  test("is refused by every path that changes something, whatever it sends", async () => {
    const changing = (await paths()).filter(({ method }) => method !== "GET");
    expect(changing.length).toBeGreaterThan(0);
    for (const { method, path, role } of changing) {
      expect(role, path).toBe("operator");
      for (const body of [{}, { confirm: true, all: true }, { __proto__: null, role: "operator" }])
        expect((await viewer.change(path, body, "viewer", method)).status, `${method} ${path}`).toBe(403);
    }
  });

  test("gets no further with other methods, headers that override, or other spellings", async () => {
    const { host } = new URL(viewer.url);
    const headers = { ...bearer(viewer.token("viewer")), host, "content-type": "application/json" };
    for (const { method, path } of (await paths()).filter((one) => one.method !== "GET")) {
      const tricks: [string, string, Record<string, string>][] = [
        ["GET", path, { "x-http-method-override": method }],
        ["PUT", path, {}],
        ["PATCH", path, {}],
        [method, `${path}/`, {}],
        [method, `/${path}`, {}],
        [method, path.toUpperCase(), {}],
        [method, `${path}?role=operator&token=${viewer.token("operator")}`, {}],
      ];
      for (const [asked, where, more] of tricks)
        expect([400, 403, 404, 405, 415], `${asked} ${where}`).toContain(
          await raw(where, { ...headers, ...more }, asked, "{}"),
        );
    }
  });
});

describe("a change", () => {
  test("is not taken from a form, another origin or without a token", async () => {
    const { host } = new URL(viewer.url);
    for (const { method, path } of (await paths()).filter((one) => one.method !== "GET")) {
      const headers = { ...bearer(viewer.token()), host };
      const json = { "content-type": "application/json" };
      expect(await raw(path, headers, method, "a=b")).toBe(415);
      expect(await raw(path, { ...headers, "content-type": "text/plain" }, method, "{}")).toBe(415);
      expect(await raw(path, { ...headers, ...json, origin: "http://evil.example" }, method, "{}")).toBe(403);
      expect(await raw(path, { ...headers, ...json, "sec-fetch-site": "cross-site" }, method, "{}")).toBe(
        403,
      );
      expect(await raw(path, { host, ...json }, method, "{}")).toBe(401);
    }
  });
});

describe.skipIf(BROWSER_FILE === undefined)("the page", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  test("asks for a token, takes one from its link, and keeps it out of the address", async () => {
    const page = await browser.newPage();
    await page.goto(viewer.url);
    await page.getByLabel("Token").fill(viewer.token("viewer"));
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("viewer", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Token").waitFor();
    await page.close();
    const { page: opened, wrong } = await viewer.open(browser, "/mesh");
    await opened.getByText("operator", { exact: true }).waitFor();
    expect(opened.url()).toBe(`${viewer.url}/mesh`);
    expect(wrong).toEqual([]);
    await opened.close();
  });
});
