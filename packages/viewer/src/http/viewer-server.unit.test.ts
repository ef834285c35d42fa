import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { makeToken } from "../access/tokens.ts";
import { Feed } from "../feed/feed.ts";
import { viewerContext } from "../start-viewer.ts";
import { ApiAnswerer } from "./answer-api.ts";
import { PageFiles } from "./page-files.ts";
import { route } from "./route.ts";
import { ViewerServer } from "./viewer-server.ts";

const ROUTE = route({
  method: "POST",
  path: "/api/echo",
  role: "operator",
  input: z.strictObject({ data: z.json() }),
  answer: async ({ data }) => ({ data }),
});

let dir: string;
let server: ViewerServer;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "adaos-server-"));
  writeFileSync(join(dir, "index.html"), "<!doctype html>");
  const say = (): void => undefined;
  const context = viewerContext(dir, say);
  server = await ViewerServer.start(
    { host: "127.0.0.1", port: 0, origins: [] },
    {
      stateDir: dir,
      page: new PageFiles(dir),
      api: new ApiAnswerer([ROUTE], context),
      feed: new Feed(context),
      say,
      jobs: context.jobs,
    },
  );
});
afterEach(async () => {
  await server.stop();
  rmSync(dir, { recursive: true });
});

/** A client that never ends its half of the connection. */
async function upgrade(): Promise<{ socket: Socket; ended: Promise<void> }> {
  const { host, port } = new URL(server.url);
  const socket = connect({ port: Number(port), host: "127.0.0.1", allowHalfOpen: true });
  let text = "";
  socket
    .on("error", () => undefined)
    .on("data", (chunk) => {
      text += chunk.toString();
    });
  const ended = new Promise<void>((resolve) => socket.once("end", resolve));
  socket.write(`GET /x HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
  await expect.poll(() => text).toContain("a WebSocket is served at /api/feed");
  return { socket, ended };
}

describe("ViewerServer", () => {
  test("keeps no connection of a refused upgrade, so nobody fills it without a token", async () => {
    const { socket, ended } = await upgrade();
    await ended;
    // The system answers what comes for a connection that is closed on the other side.
    await expect
      .poll(() => {
        socket.write("more");
        return socket.closed;
      })
      .toBe(true);
  });

  test("answers while strangers hold more connections than it takes, and keeps those with a token", async () => {
    const token = makeToken(dir, { name: "anna", role: "viewer", expiresMs: Date.now() + 60_000 });
    const { host, port } = new URL(server.url);
    const dial = (): Socket =>
      connect({ port: Number(port), host: "127.0.0.1" }).on("error", () => undefined);
    const own = dial();
    const ask = (): boolean =>
      own.write(`GET /api HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    let answers = 0;
    own.on("data", (chunk) => {
      answers += chunk.toString().split("HTTP/1.1 200").length - 1;
    });
    ask();
    await expect.poll(() => answers).toBe(1);
    const idle = Array.from({ length: 300 }, dial);
    await Promise.all(idle.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
    expect((await fetch(server.url)).status).toBe(200);
    ask();
    await expect.poll(() => answers).toBe(2);
    for (const socket of [own, ...idle]) socket.destroy();
  });

  test("refuses a body that is nested without end, and takes what an event may hold", async () => {
    const token = makeToken(dir, { name: "anna", role: "operator", expiresMs: Date.now() + 60_000 });
    const ask = (depth: number): Promise<Response> =>
      fetch(`${server.url}/api/echo`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: `{"data":${"[".repeat(depth)}${"]".repeat(depth)}}`,
      });
    expect((await ask(63)).status).toBe(200);
    for (const depth of [64, 3000, 400_000]) {
      const answer = await ask(depth);
      expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining("nested deeper")]);
    }
  });
});
