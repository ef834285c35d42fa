import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createServer as createTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ForeignNats } from "../../../../test/kit/foreign-nats.ts";
import type { DatabaseType } from "../events/environment.ts";
import { loadDriver } from "./load-driver.ts";
import { openProbe } from "./open-probe.ts";

/** Looks once, as a probe does. */
async function look(type: DatabaseType, url: string): Promise<string> {
  const connection = openProbe("db", type, { url, timeoutMs: 5000 })();
  try {
    await connection.connect();
    await connection.ask();
    await connection.ask();
    return "answered";
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  } finally {
    await connection.close();
    await connection.close();
  }
}

describe("a web service and a port", () => {
  let server: Server;
  let port: number;
  const seen: unknown[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(request.url === "/ill" ? 503 : request.url === "/moved" ? 302 : 200);
      response.end("x".repeat(100_000));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as { port: number }).port;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  test("answer below 400", async () => {
    expect(await look("http", `http://127.0.0.1:${port}/`)).toBe("answered");
    expect(await look("http", `http://127.0.0.1:${port}/moved`)).toBe("answered");
    expect(await look("http", `http://127.0.0.1:${port}/ill`)).toBe("the answer is HTTP 503");
  });

  test("are told user and password of the URL", async () => {
    seen.length = 0;
    expect(await look("http", `http://app:p%40ss@127.0.0.1:${port}/`)).toBe("answered");
    expect(seen[0]).toBe(`Basic ${Buffer.from("app:p@ss").toString("base64")}`);
  });

  test("take connections", async () => {
    expect(await look("tcp", `tcp://127.0.0.1:${port}`)).toBe("answered");
    expect(await look("tcp", "tcp://127.0.0.1:1")).toContain("ECONNREFUSED");
  });

  test("that never answer are left in the middle of it", async () => {
    const silent = createTcp(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port: mute } = silent.address() as { port: number };
    const connection = openProbe("db", "http", { url: `http://127.0.0.1:${mute}/`, timeoutMs: 5000 })();
    const asking = connection.ask();
    await connection.close();
    await expect(asking).rejects.toThrow();
    silent.close();
  });
});

describe("a NATS server", () => {
  test("answers a ping; none does where there is none", async () => {
    const nats = await ForeignNats.start();
    expect(await look("nats", nats.url)).toBe("answered");
    const held = openProbe("db", "nats", { url: nats.url, timeoutMs: 5000 })();
    await held.connect();
    await nats.stop();
    await expect(held.ask()).rejects.toThrow();
    await held.close();
    expect(await look("nats", nats.url)).not.toBe("answered");
  });
});

const problem = ((): string => {
  try {
    loadDriver("@libsql/client", "sqlite");
    return "";
  } catch (thrown) {
    return ` (${(thrown as Error).message})`;
  }
})();

describe.skipIf(problem !== "")(`a SQLite file${problem}`, () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "adaos-sqlite-"));
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  test("answers where it is one, and is not made where there is none", async () => {
    const file = join(dir, "files.db");
    expect(await look("sqlite", file)).toContain("ENOENT");
    const { createClient } = loadDriver<{
      createClient(options: object): { execute(sql: string): Promise<unknown>; close(): void };
    }>("@libsql/client", "sqlite");
    const client = createClient({ url: `file:${file}` });
    await client.execute("CREATE TABLE t (a)");
    client.close();
    expect(await look("sqlite", file)).toBe("answered");
    expect(await look("sqlite", `file:${file}`)).toBe("answered");
    writeFileSync(file, "no database at all, and longer than the head of one ".repeat(10));
    expect(await look("sqlite", file)).toContain("not a database");
  });
});

describe.skipIf(problem !== "")(`a libSQL server${problem}`, () => {
  /** Speaks as much of its protocol as `SELECT 1` needs. */
  async function libSqlStub(token: string): Promise<{ url: string; close: () => void }> {
    const server = createServer(async (request, response) => {
      const body = await text(request);
      if (request.headers.authorization !== `Bearer ${token}`) return response.writeHead(401).end("{}");
      if (request.method === "GET") return response.writeHead(request.url === "/v2" ? 200 : 404).end();
      const { requests } = JSON.parse(body) as { requests: readonly { type: string }[] };
      const result = { cols: [], rows: [], affected_row_count: 0, last_insert_rowid: null };
      const results = requests.map(({ type }) => {
        const answer =
          type === "execute"
            ? { type, result }
            : type === "batch"
              ? { type, result: { step_results: [result, result, result], step_errors: [null, null, null] } }
              : { type };
        return { type: "ok", response: answer };
      });
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ baton: null, base_url: null, results }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const close = (): void => {
      server.closeAllConnections();
      server.close();
    };
    return { url: `http://127.0.0.1:${port}`, close };
  }

  test("answers who bears its token, and refuses others", async () => {
    const { url, close } = await libSqlStub("t-0123456789");
    expect(await look("turso", `${url}?authToken=t-0123456789`)).toBe("answered");
    expect(await look("turso", `${url}?authToken=another`)).toContain("401");
    close();
    expect(await look("turso", `${url}?authToken=t-0123456789`)).not.toBe("answered");
  });

  test.each([
    ["mysql://db/orders", "the URL of turso begins with libsql:// or https://"],
    ["orders-me.turso.io", "the URL of turso begins with libsql://"],
  ])("is not at %s", (url, message) => {
    expect(() => openProbe("db", "turso", { url, timeoutMs: 100 })).toThrow(message);
  });
});

test("loadDriver() says what to install", () => {
  expect(() => loadDriver("no-such-driver", "postgresql")).toThrow(
    "a probe of postgresql needs the package no-such-driver, which is not installed; run npm install no-such-driver",
  );
});
