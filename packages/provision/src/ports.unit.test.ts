import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { assertPortsFree, assertScrapePortsFree, PortPicker } from "./ports.ts";

const servers: Server[] = [];

async function listening(port = 0): Promise<number> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

describe("PortPicker.pick()", () => {
  test("gives no port that is fixed", async () => {
    const picker = new PortPicker();
    const free = await picker.pick(undefined);
    const another = new PortPicker();
    another.claim(free);
    expect(await another.pick(free)).not.toBe(free);
  });

  test("takes the port of the last time when it is free", async () => {
    const free = await new PortPicker().pick(undefined);
    expect(await new PortPicker().pick(free)).toBe(free);
  });

  test("takes another one when somebody listens there", async () => {
    const taken = await listening();
    expect(await new PortPicker().pick(taken)).not.toBe(taken);
  });

  test("takes another one when it has given that away itself", async () => {
    const picker = new PortPicker();
    const free = await picker.pick(undefined);
    expect(await picker.pick(free)).not.toBe(free);
  });

  test("gives many, each once, each free and below those of outgoing connections", async () => {
    const picker = new PortPicker();
    const ports: number[] = [];
    for (let i = 0; i < 50; i++) ports.push(await picker.pick(undefined));
    expect(new Set(ports).size).toBe(50);
    expect(ports.filter((port) => port < 20_000 || port >= 32_000)).toEqual([]);
    expect(await listening(ports[0])).toBe(ports[0]);
  });
});

describe("PortPicker.claim()", () => {
  const MESSAGE = { code: "invalid-config", message: "port 4222 is given to two servers" };

  test.each([
    ["nothing is told of either", undefined, undefined],
    ["both have the same address", "a.lan", "a.lan"],
    ["both have it in two spellings", "A.lan", "a.lan."],
    ["both are this machine", "localhost", "127.0.0.1"],
    ["one listens at every address", "0.0.0.0", "a.lan"],
    ["the other one listens at every address", "a.lan", "0.0.0.0"],
  ])("refuses a port of two servers where %s", (_, first, second) => {
    const picker = new PortPicker();
    picker.claim(4222, first);
    expect(() => picker.claim(4222, second)).toThrow(expect.objectContaining(MESSAGE));
  });

  test("takes the same port of servers with different addresses", () => {
    const picker = new PortPicker();
    for (const host of ["a.lan", "b.lan", "c.lan"]) picker.claim(4222, host);
    expect(() => picker.claim(4222, "b.lan")).toThrow(expect.objectContaining(MESSAGE));
  });

  test("refuses a port that was picked", async () => {
    const picker = new PortPicker();
    const free = await picker.pick(undefined);
    expect(() => picker.claim(free, "a.lan")).toThrow(/given to two servers/);
  });
});

describe("assertPortsFree()", () => {
  test("names the port that is taken, its server, and the key of the mesh file", async () => {
    const free = await new PortPicker().pick(undefined);
    const taken = await listening();
    await assertPortsFree([["alpha", { port: free }]]);
    await expect(
      assertPortsFree([
        ["alpha", { port: free }],
        ["root", { leafPort: taken }],
      ]),
    ).rejects.toMatchObject({
      code: "unavailable",
      message: `port ${taken} of the server of root cannot be used: another program listens there (ss -ltnp 'sport = :${taken}' names it); end it, or give the server another leafPort in the mesh file`,
    });
  });
});

describe("assertPortsFree() with addresses", () => {
  test("looks where the server listens, and not at another machine's address", async () => {
    const taken = await listening();
    const ports = [["alpha", { port: taken }]] as const;
    await expect(assertPortsFree(ports, () => "127.0.0.1")).rejects.toMatchObject({ code: "unavailable" });
    await expect(assertPortsFree(ports, () => "127.0.0.77")).resolves.toBeUndefined();
    await expect(assertPortsFree(ports, () => "192.0.2.7")).resolves.toBeUndefined();
  });
});

describe("assertScrapePortsFree()", () => {
  test("names the port, its daemon, and the key of the mesh file", async () => {
    const free = await new PortPicker().pick(undefined);
    const taken = await listening();
    const ours = { host: "127.0.0.1", port: free };
    await assertScrapePortsFree([["root", ours]]);
    await expect(
      assertScrapePortsFree([
        ["root", ours],
        ["alpha/hub", { host: "0.0.0.0", port: taken }],
      ]),
    ).rejects.toMatchObject({
      code: "unavailable",
      message: `port ${taken} for the metrics of alpha/hub cannot be used: another program listens there (ss -ltnp 'sport = :${taken}' names it); end it, or give it another metrics.port in the mesh file`,
    });
    await expect(assertScrapePortsFree([["root", { host: "203.0.113.9", port: free }]])).rejects.toThrow(
      "this machine cannot listen at 203.0.113.9 (EADDRNOTAVAIL)",
    );
  });
});
