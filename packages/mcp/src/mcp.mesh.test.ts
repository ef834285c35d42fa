import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { HOME, until } from "../../../test/kit/mesh.ts";

const ADAOS = join(HOME, "packages/cli/bin/adaos.mjs");
const MESH = join(HOME, "examples/local.yaml");
/** As many as the registry of this repository has. */
const { length: EVENTS } = (
  JSON.parse(readFileSync(join(HOME, "schemas/events/_dist/registry.json"), "utf8")) as { events: object[] }
).events;

let dir: string;
let registry: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-mcp-"));
  registry = join(dir, "events");
  cpSync(join(HOME, "schemas/events"), registry, { recursive: true });
});
afterEach(() => rmSync(dir, { recursive: true }));

/** The SDK's own client, of a real `adaos mcp`. */
async function connect(of: string): Promise<Client> {
  const client = new Client({ name: "test", version: "1.0.0" });
  const args = [ADAOS, "mcp", "--registry", of, "--config", MESH];
  await client.connect(new StdioClientTransport({ command: process.execPath, args, stderr: "ignore" }));
  return client;
}

interface Answer {
  readonly isError: boolean;
  readonly text: string;
}

async function call(client: Client, name: string, args: Record<string, unknown>): Promise<Answer> {
  const { content, isError } = await client.callTool({ name, arguments: args });
  const [first] = content as { text: string }[];
  return { isError: isError === true, text: first?.text ?? "" };
}

async function asked<T>(client: Client, name: string, args: Record<string, unknown>): Promise<T> {
  const { isError, text } = await call(client, name, args);
  expect(isError, text).toBe(false);
  return JSON.parse(text);
}

async function read(client: Client, uri: string): Promise<string> {
  const { contents } = await client.readResource({ uri });
  return (contents[0] as { text: string }).text;
}

describe("adaos mcp, to the SDK's own client", () => {
  let client: Client;
  beforeAll(async () => {
    client = await connect(join(HOME, "schemas/events"));
  });
  afterAll(async () => {
    await client.close();
  });

  test("lists the registry as resources, each of which can be read", async () => {
    const { resources, nextCursor } = await client.listResources();
    expect([resources.length, nextCursor]).toEqual([2 + EVENTS * 3, undefined]);
    for (const { uri, mimeType } of resources) {
      const text = await read(client, uri);
      if (mimeType === "text/markdown") expect(text, uri).toMatch(/^##? /);
      else expect(JSON.parse(text), uri).toBeTypeOf("object");
    }
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual(
      ["schema", "examples", "docs"].map((what) => `adaos://events/{name}@{version}/${what}`),
    );
  });

  test("gives a schema as its author wrote it, and examples with their errors", async () => {
    const source = join(HOME, "schemas/events/ui/notify/v1/schema.json");
    expect(await read(client, "adaos://events/ui.notify@1/schema")).toBe(readFileSync(source, "utf8"));
    const { valid, invalid } = JSON.parse(await read(client, "adaos://events/ui.notify@1/examples"));
    expect([valid.length, invalid.length]).toEqual([2, 3]);
    expect(invalid[0]).toMatchObject({ error: { code: "invalid-event", pointer: "/text" } });
  });

  test("tells its tools, all of which only read", async () => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([
      "search_events",
      "describe_event",
      "validate_event",
      "explain_policy",
    ]);
    for (const { annotations, inputSchema } of tools)
      expect([annotations?.readOnlyHint, inputSchema.type]).toEqual([true, "object"]);
  });

  test("search_events finds by word, kind and domain, the best first", async () => {
    const search = (args: Record<string, unknown>): Promise<{ found: number; events: { event: string }[] }> =>
      asked(client, "search_events", args);
    expect((await search({ query: "intent" })).events[0]?.event).toBe("nlp.intent.detected@1");
    expect((await search({ kind: "command" })).events.map(({ event }) => event)).toEqual([
      "repo.skill.install@1",
      "scenario.run@1",
    ]);
    expect((await search({ domain: "ui" })).found).toBe(1);
    expect(await search({ query: "zebras giraffes" })).toEqual({ found: 0, events: [] });
    const { found, events } = await search({ limit: 3 });
    expect([found, events.length]).toEqual([EVENTS, 3]);
  });

  test("describe_event tells meaning, schema, examples and use", async () => {
    const { text } = await call(client, "describe_event", { event: "ui.notify" });
    expect(text).toMatch(/^## ui\.notify@1.*"maxLength".*bus\.publish\("ui\.notify@1"/s);
    expect(await call(client, "describe_event", { event: "ui.notfy" })).toEqual({
      isError: true,
      text: expect.stringContaining("did you mean ui.notify?"),
    });
  });

  test("validate_event judges data and envelopes", async () => {
    const validate = (args: Record<string, unknown>): Promise<object> =>
      asked(client, "validate_event", args);
    expect(await validate({ event: "ui.notify", value: { text: "Tea" } })).toEqual({
      valid: true,
      as: "payload",
      event: "ui.notify@1",
      problems: [],
    });
    expect(await validate({ event: "ui.notify@1", value: { text: 1 } })).toMatchObject({
      valid: false,
      problems: [{ pointer: "/text", expected: "must be string" }],
    });
    expect(await validate({ value: { event_name: "ui.notify", version: 1, data: {} } })).toMatchObject({
      valid: false,
      as: "envelope",
    });
    expect((await call(client, "validate_event", { value: {} })).text).toContain(
      "name the event of the data",
    );
  });

  test("explain_policy says who may, and the rule with its place", async () => {
    const answer = await asked<{ allowed: boolean; hops: object[] }>(client, "explain_policy", {
      verb: "publish",
      event: "nlp.intent.detected",
      as: "alpha/kitchen",
      to: "beta/desk",
    });
    expect([answer.allowed, answer.hops.length]).toEqual([true, 4]);
    expect(answer.hops[0]).toMatchObject({
      who: "alpha/kitchen",
      allowed: true,
      place: expect.stringMatching(/:\d+:\d+$/),
    });
    const denied = { verb: "publish", event: "scenario.run", as: "alpha/kitchen" };
    expect(await asked(client, "explain_policy", denied)).toMatchObject({ allowed: false });
    expect(await call(client, "explain_policy", { ...denied, as: "alpha/nobody" })).toMatchObject({
      isError: true,
    });
  });

  test.each([
    "adaos://events/../../../etc/passwd@1/schema",
    "adaos://events/ui.notify@1/../../../package.json",
    "adaos://events/%2e%2e%2fregistry@1/schema",
    "adaos://events/ui.notify@1/schema?x=../..",
    "adaos://events/ui..notify@1/schema",
    "adaos://events/ui.notify@99999/schema",
    "file:///etc/passwd",
    `adaos://events/${"a".repeat(100_000)}@1/schema`,
  ])("refuses to read %#, and goes on", async (uri) => {
    await expect(client.readResource({ uri })).rejects.toMatchObject({ code: -32002 });
    expect(await read(client, "adaos://hints")).toMatch(/^# /);
  });

  test("refuses what is too deep, too long, too much or unknown, and goes on", async () => {
    const deep = JSON.parse(`${"[".repeat(1000)}${"]".repeat(1000)}`);
    expect((await call(client, "validate_event", { event: "ui.notify", value: deep })).text).toContain(
      "nest deeper",
    );
    const beyond = JSON.parse(`${"[".repeat(100)}${"]".repeat(100)}`);
    expect(await asked(client, "validate_event", { event: "ui.notify", value: beyond })).toMatchObject({
      valid: false,
    });
    const long = { event: "ui.notify", value: { text: "x".repeat(400_000) } };
    expect(await asked(client, "validate_event", long)).toMatchObject({ valid: false });
    for (const args of [{ limit: 1000 }, { query: "x".repeat(300) }, { colour: "red" }])
      expect(await call(client, "search_events", args)).toMatchObject({ isError: true });
    await expect(client.callTool({ name: "publish_event", arguments: {} })).rejects.toMatchObject({
      code: -32602,
    });
    await expect(client.listResources({ cursor: "../1" })).rejects.toMatchObject({ code: -32602 });
    const many = [...Array(500).keys()].map(() => client.listTools());
    const outcomes = await Promise.allSettled(many);
    expect(outcomes.filter(({ status }) => status === "fulfilled").length).toBeGreaterThanOrEqual(64);
    expect((await client.listTools()).tools).toHaveLength(4);
  });
});

describe("adaos mcp, of a registry that changes", () => {
  test("follows it, tells while it is broken, and follows it again", async () => {
    const client = await connect(registry);
    try {
      const index = join(registry, "registry.yaml");
      const right = readFileSync(index, "utf8");
      expect(await read(client, "adaos://registry")).toContain("Something to tell the user.");
      writeFileSync(index, right.replace("Something to tell the user.", "Something new."));
      expect(await read(client, "adaos://registry")).toContain("Something new.");
      writeFileSync(index, right.replace("version: 1", "version: none"));
      expect(await call(client, "search_events", {})).toEqual({
        isError: true,
        text: expect.stringMatching(/registry\.yaml:\d+:\d+.*invalid-config/),
      });
      writeFileSync(index, right);
      expect((await asked<{ found: number }>(client, "search_events", {})).found).toBe(EVENTS);
      const schema = join(registry, "ui/notify/v1/schema.json");
      writeFileSync(
        schema,
        readFileSync(schema, "utf8").replace('"text"', '"words"').replace('"text"', '"words"'),
      );
      const value = { event: "ui.notify", value: { words: "Tea" } };
      expect(await asked(client, "validate_event", value)).toMatchObject({ valid: true });
    } finally {
      await client.close();
    }
  });
});

/** A bare process, of which each byte can be seen. */
class Bare {
  out = "";
  said = "";
  readonly child: ChildProcess;
  readonly exited: Promise<number | string | null>;

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [ADAOS, "mcp", ...args], { cwd: HOME });
    this.child.stdout?.on("data", (chunk: Buffer) => (this.out += String(chunk)));
    this.child.stderr?.on("data", (chunk: Buffer) => (this.said += String(chunk)));
    this.child.stdin?.on("error", () => undefined);
    this.exited = new Promise((resolve) =>
      this.child.once("close", (code, signal) => resolve(signal ?? code)),
    );
  }

  async isServing(): Promise<void> {
    await until("it serves", () => this.said.includes(`serving ${EVENTS} events`));
  }

  send(message: object | string): void {
    this.child.stdin?.write(`${typeof message === "string" ? message : JSON.stringify(message)}\n`);
  }
}

const INITIALIZE = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "bare", version: "1" } },
};

describe("adaos mcp, as a process", () => {
  test("answers what was asked before standard input ended, then ends with 0; standard output is protocol alone", async () => {
    const bare = new Bare(["--registry", registry]);
    bare.send(INITIALIZE);
    bare.send({ jsonrpc: "2.0", id: 2, method: "resources/read", params: { uri: "adaos://registry" } });
    bare.child.stdin?.end();
    expect(await bare.exited).toBe(0);
    const messages = bare.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(messages.map(({ jsonrpc, id }) => [jsonrpc, id])).toEqual([
      ["2.0", 1],
      ["2.0", 2],
    ]);
    expect(messages[1].result.contents[0].text).toContain("ui.notify");
  });

  test("ends with 0 at SIGTERM", async () => {
    const bare = new Bare(["--registry", registry]);
    await bare.isServing();
    bare.child.kill("SIGTERM");
    expect([await bare.exited, bare.out]).toEqual([0, ""]);
  });

  test("says what it does not understand on standard error, and goes on", async () => {
    const bare = new Bare(["--registry", registry]);
    await bare.isServing();
    for (const line of ["{", "null", "[]", '{"jsonrpc":"1.0"}', "\u0000\u001b[31m", "x".repeat(100_000)])
      bare.send(line);
    bare.send(INITIALIZE);
    await until("it answers", () => bare.out.includes('"id":1'));
    expect(bare.said).toContain("message not understood");
    const lines = bare.out.trim().split("\n");
    const noJson = lines.map((line) => JSON.parse(line)).filter(({ id }) => id === null);
    expect(noJson.map(({ error }) => error.code)).toEqual([-32700, -32700, -32700]);
    expect(bare.said).not.toMatch(/(?![\n\t])\p{Cc}/u);
    bare.child.stdin?.end();
    expect(await bare.exited).toBe(0);
  });

  test("refuses arguments deeper than any stack, and goes on", async () => {
    const bare = new Bare(["--registry", registry]);
    bare.send(INITIALIZE);
    const call = { jsonrpc: "2.0", id: 2, method: "tools/call" };
    for (const [open, close] of [
      ["[", "]"],
      ['{"a":', "}"],
    ] as const) {
      const deep = `${open.repeat(100_000)}1${close.repeat(100_000)}`;
      const params = `{"name":"validate_event","arguments":{"event":"ui.notify","value":${deep}}}`;
      bare.send(`${JSON.stringify(call).slice(0, -1)},"params":${params}}`);
      await until("it answers", () => bare.out.includes("nest deeper than 200"));
      bare.out = "";
    }
    bare.child.stdin?.end();
    expect(await bare.exited).toBe(0);
  });

  test("ends with 65 at a message larger than it takes, with or without its end", async () => {
    const bare = new Bare(["--registry", registry]);
    await bare.isServing();
    bare.send("x".repeat(3 * 1024 * 1024));
    expect(await bare.exited).toBe(65);
    expect([bare.out, bare.said]).toEqual(["", expect.stringContaining("more than 1048576 bytes")]);
  });

  test("ends with 78 at the start where the registry is broken, and says what to do", async () => {
    writeFileSync(join(registry, "ui/notify/v1/schema.json"), "{");
    const bare = new Bare(["--registry", registry]);
    expect([await bare.exited, bare.out]).toEqual([78, ""]);
    expect(bare.said).toMatch(/ui\/notify\/v1\/schema\.json.*not JSON/);
    expect(await new Bare(["--registry", join(dir, "none")]).exited).toBe(78);
  });
});
