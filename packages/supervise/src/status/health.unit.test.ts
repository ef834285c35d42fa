import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MeshError } from "@adaos/core";
import type { Layout } from "@adaos/provision";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { askHealth, type MeshHealth } from "./health.ts";

let state: string;
const servers: Server[] = [];
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "adaos-health-"));
  mkdirSync(join(state, "run"));
});
afterEach(async () => {
  await Promise.all(
    servers.splice(0).map((server) => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    }),
  );
  rmSync(state, { recursive: true });
});

/** A server that gives this answer to every request. */
async function answering(code: number, body: string): Promise<string> {
  const server = createServer((_, response) => response.writeHead(code).end(body));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
}

/** An address where nobody listens. */
const NOWHERE = "http://127.0.0.1:9";

type Answer = () => Promise<string | undefined>;
const isWell: Answer = () => Promise.resolve(undefined);
const isAway: Answer = () => Promise.reject(new MeshError("unavailable", "no nats-server answers"));

function ask(server: Answer, nodes: readonly string[] = []): Promise<MeshHealth> {
  const layout: Layout = {
    mesh: "demo",
    configFile: "",
    registryDir: "",
    ports: {},
    servers: [
      {
        name: "nats-root",
        of: "root",
        url: "nats://x:1",
        configFile: "",
        seedFile: "",
        systemSeedFile: "",
        stream: "",
      },
    ],
    nodes: nodes.map((id) => ({ id, role: "hub", nodeFile: "" })),
  };
  return askHealth(layout, state, server);
}

function runFile(id: string, statusUrl: string): void {
  writeFileSync(join(state, "run", `${id.replace("/", "_")}.json`), JSON.stringify({ statusUrl }));
}

const status = (node: string, parts: object): string =>
  JSON.stringify({ node, role: "hub", pid: 1, startedAt: "", ready: true, parts });

describe("askHealth()", () => {
  test("finds a server ready that says it is", async () => {
    const health = await ask(isWell);
    expect(health).toEqual({
      mesh: "demo",
      ready: true,
      components: [{ kind: "server", name: "nats-root", ready: true, note: "nats://x:1" }],
      config: { errors: [] },
    });
  });

  test.each<[what: string, server: Answer, note: string]>([
    [
      "is not well",
      () => Promise.resolve("stream EVENTS_alpha cannot be written"),
      "stream EVENTS_alpha cannot be written",
    ],
    ["is not there", isAway, "does not answer"],
    ["does not know us", () => Promise.reject(new MeshError("denied", "key unknown")), "key unknown"],
    ["ends the wait", () => Promise.reject(new Error("x")), "does not answer"],
  ])("finds a server not ready that %s", async (_, server, note) => {
    const { ready, components } = await ask(server);
    expect([ready, components]).toMatchObject([false, [{ ready: false, note }]]);
  });

  test("is not ready when one of several is not", async () => {
    runFile("alpha/hub", await answering(200, status("alpha/hub", { stream: { ready: true } })));
    const { ready, components } = await ask(isAway, ["alpha/hub"]);
    expect([ready, components.map((one) => one.ready)]).toEqual([false, [false, true]]);
  });

  test("passes on what the parts of a node tell of themselves", async () => {
    const parts = { stream: { ready: true, details: { messages: 3 } }, desk: { ready: true } };
    runFile("alpha/hub", await answering(200, status("alpha/hub", parts)));
    const { components } = await ask(isAway, ["alpha/hub"]);
    expect(components[1]?.details).toEqual({ stream: { messages: 3 }, desk: {} });
  });

  test("tells the parts of a node that are not ready, and why", async () => {
    const parts = {
      stream: { ready: false, reason: "no disk" },
      desk: { ready: false },
      other: { ready: true },
    };
    runFile("alpha/hub", await answering(200, status("alpha/hub", parts)));
    const { ready, components } = await ask(isAway, ["alpha/hub"]);
    expect(ready).toBe(false);
    expect(components[1]).toMatchObject({
      kind: "node",
      name: "alpha/hub",
      ready: false,
      note: "stream no disk; desk is not ready",
    });
  });

  test("shows the root's links beside it, each with what it has carried", async () => {
    const parts = {
      stream: { ready: true },
      "link up alpha": { ready: true, details: { carried: 7 } },
      "link down alpha": { ready: false, reason: "target: full" },
    };
    runFile("root", await answering(200, status("root", parts)));
    const { components } = await ask(isAway, ["root"]);
    expect(components.slice(1).map(({ kind, name, ready, note }) => [kind, name, ready, note])).toEqual([
      ["node", "root", true, expect.stringContaining("http://127.0.0.1:")],
      ["link", "up alpha", true, "7 carried"],
      ["link", "down alpha", false, "target: full"],
    ]);
  });

  test("finds a node not ready that has not started, has died, or left half a run file", async () => {
    runFile("alpha/dead", NOWHERE);
    writeFileSync(join(state, "run/alpha_half.json"), "{");
    const { components } = await ask(isAway, ["alpha/new", "alpha/dead", "alpha/half"]);
    expect(components.slice(1).map(({ name, ready, note }) => [name, ready, note])).toEqual([
      ["alpha/new", false, "is not running"],
      ["alpha/dead", false, expect.stringMatching(/^does not answer: /)],
      ["alpha/half", false, expect.stringMatching(/^does not answer: /)],
    ]);
  });
});
