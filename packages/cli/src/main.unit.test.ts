import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MeshError } from "@adaos/core";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { main } from "./main.ts";

let demo: () => void | Promise<void> = () => undefined;

// The one command that is not in the list of commands lends itself to what no real one does.
vi.mock("./commands/mesh/demo.ts", () => ({
  demoCommand: () => new Command("demo").action(() => demo()),
}));

let state: string;
let listeners: readonly unknown[];
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "adaos-main-"));
  vi.stubEnv("ADAOS_STATE", state);
  vi.stubEnv("NO_COLOR", "1");
  listeners = process.stdout.listeners("error");
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
  for (const listener of process.stdout.listeners("error")) {
    if (!listeners.includes(listener)) process.stdout.removeListener("error", listener as () => void);
  }
  rmSync(state, { recursive: true });
});

async function adaos(...args: readonly string[]): Promise<{ code: number; out: string; said: string }> {
  let out = "";
  let said = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    said += String(text);
    return true;
  });
  const code = await main(args);
  vi.restoreAllMocks();
  return { code, out, said };
}

const SUBSCRIBE = ["events", "subscribe", "ui.", "--as", "beta/desk", "--durable", "shell"] as const;
const RESET = ["durables", "reset", "beta/desk/screen"] as const;
const REPLAY = ["events", "replay", "--at", "beta", "--to", "desk/screen"] as const;
const PUBLISH = ["events", "publish", "ui.notify", "--as", "alpha/kitchen", "--data"] as const;

describe("main(), a command line that is none", () => {
  test.each([
    ["nothing at all"],
    ["an unknown command", "evnts"],
    ["an unknown command of a command", "events", "pubish"],
    ["a command of commands alone", "events"],
    ["an unknown option", "status", "--colour"],
    ["an option without its value", "status", "--state"],
    ["one argument too many", "status", "alpha"],
    ["a missing argument", "events", "publish"],
    ["a missing --data", "events", "publish", "ui.notify", "--as", "alpha/kitchen"],
    ["a missing --as", "events", "publish", "ui.notify", "--data", "{}"],
    ["a missing --at", "events", "tail", "ui."],
    ["a count of nothing", "events", "tail", "ui.", "--at", "alpha", "--count", "0"],
    ["a count that is none", "events", "tail", "ui.", "--at", "alpha", "--count", "two"],
    ["half a count", "events", "tail", "ui.", "--at", "alpha", "--count", "1.5"],
    ["a time without a unit", "events", "tail", "ui.", "--at", "alpha", "--since", "10"],
    ["a limit of nothing", "events", "failed", "--limit", "0"],
    ["a limit beyond all", "events", "failed", "--limit", "10001"],
    ["a retry of nothing", "events", "retry"],
    ["a detail of nothing", "events", "detail"],
    ["a replay at no subnet", "events", "replay", "--to", "desk/screen", "--all"],
    ["a replay to nobody", "events", "replay", "--at", "beta", "--all"],
    ["a replay without a bound", "events", "replay", "ui.", "--at", "beta", "--to", "desk/screen"],
    ["a replay of all and of some", ...REPLAY, "--all", "--to-seq", "7"],
    ["a replay since no time", ...REPLAY, "--since", "2026-02-30T00:00:00Z"],
    ["a replay from no place", ...REPLAY, "--from-seq", "0"],
    ["a replay by no name", ...REPLAY, "--all", "--replay-id", "a b"],
    ["an export to nowhere", "events", "export"],
    ["an export in no format", "events", "export", "--output", "x", "--format", "xml"],
    ["a subscription without a durable", "events", "subscribe", "ui.", "--as", "beta/desk"],
    ["a subscription that starts nowhere", ...SUBSCRIBE, "--start", "yesterday"],
    ["a subscription to no origin", ...SUBSCRIBE, "--from", "alpha/kitchen/oven"],
    ["a category that is none", "events", "dlq", "list", "--category", "bad"],
    ["a role that is none", "node", "boss", "--config", "x.json"],
    ["a node without its file", "node", "hub"],
    ["a pattern that is none", "events", "tail", "ui.>", "--at", "alpha"],
    ["a version that is none", "events", "tail", "ui.notify@x", "--at", "alpha"],
    ["a file of data that is missing", ...PUBLISH, "@/nowhere/data.json"],
    ["a durable that is none", "durables", "delete", "desk/screen"],
    ["a durable reset to nowhere", "durables", "reset", "beta/desk/screen"],
    ["a durable reset to two places", ...RESET, "--start", "new", "--from-seq", "7"],
    ["a member that is none", "events", "publish", "ui.notify", "--data", "{}", "--as", "kitchen"],
  ])("gives 64 and says so on standard error: %s", async (_, ...args) => {
    const { code, out, said } = await adaos(...args);
    expect([code, out]).toEqual([64, ""]);
    expect(said).not.toBe("");
  });

  test("suggests the command that was meant, and how to get help", async () => {
    const { said } = await adaos("statsu");
    expect(said).toContain("status");
    expect((await adaos("status", "--jsn")).said).toMatch(/--json[\s\S]*--help/);
  });
});

describe("main(), help and version", () => {
  test.each([["--help"], ["help"], ["status", "--help"], ["events", "--help"], ["events", "tail", "--help"]])(
    "gives 0 and prints on standard output: %s %s",
    async (...args) => {
      const { code, out, said } = await adaos(...args);
      expect([code, said]).toEqual([0, ""]);
      expect(out).toContain("Usage: adaos");
    },
  );

  test("tells the version, and that of the servers", async () => {
    expect(await adaos("--version")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+ \(nats-server \d+\.\d+\.\d+\)\n$/),
    });
  });

  test("lists every command and exit code, but not the demo", async () => {
    const { out } = await adaos("--help");
    for (const word of [
      "up",
      "down",
      "status",
      "events",
      "policy",
      "node",
      "64",
      "65",
      "69",
      "70",
      "77",
      "78",
    ]) {
      expect(out).toMatch(new RegExp(`\\b${word}\\b`));
    }
    expect(out).not.toMatch(/^ {2}demo/m);
  });

  test.each([
    ["init"],
    ["completion"],
    ["up"],
    ["down"],
    ["status"],
    ["node", "hub"],
    ["node", "add"],
    ["node", "remove"],
    ["node", "rotate"],
    ["policy", "check"],
    ["policy", "explain"],
    ["policy", "test"],
    ["policy", "diff"],
    ["policy", "compile"],
    ["policy", "apply"],
    ["events", "publish"],
    ["events", "subscribe"],
    ["events", "tail"],
    ["events", "topics"],
    ["events", "status"],
    ["events", "failed"],
    ["events", "retry-candidates"],
    ["events", "detail"],
    ["events", "retry"],
    ["events", "replay"],
    ["events", "export"],
    ["events", "dlq", "list"],
    ["durables", "list"],
    ["durables", "delete"],
    ["durables", "reset"],
  ])("gives an example: %s %s", async (...args) => {
    const words = args.filter((arg) => arg !== undefined);
    expect((await adaos(...words, "--help")).out).toContain(`Example:\n  adaos ${words.join(" ")} `);
  });
});

describe("main(), data of an event", () => {
  test.each(["{text}", "", "undefined", "{'a':1}", '{"a":1} x'])(
    "gives 65 for %j, which is not JSON",
    async (data) => {
      const { code, out, said } = await adaos(...PUBLISH, data);
      expect([code, out]).toEqual([65, ""]);
      expect(said).toMatch(/^error --data is not JSON: .* \(invalid-event\)\n$/);
    },
  );

  test("reads a file, and says what is wrong with it", async () => {
    const file = join(state, "data.json");
    writeFileSync(file, "{");
    expect((await adaos(...PUBLISH, `@${file}`)).code).toBe(65);
  });
});

describe("main(), without a mesh", () => {
  test.each([
    ["status"],
    [...PUBLISH, "{}"],
    [...SUBSCRIBE],
    ["events", "tail", "ui.", "--at", "alpha"],
    ["events", "topics"],
    ["events", "status"],
    ["events", "failed"],
    ["events", "retry-candidates"],
    ["events", "detail", "EVT-20260105-093000-0123456789ab"],
    ["events", "retry", "EVT-20260105-093000-0123456789ab"],
    ["events", "export", "--output", "-"],
    ["events", "dlq", "list"],
    ["durables", "list"],
    ["durables", "delete", "beta/desk/screen"],
  ])("gives 69 and says how to start one: %s %s", async (...args) => {
    const { code, said } = await adaos(...args);
    expect(code).toBe(69);
    expect(said).toContain(`no mesh in ${state}; start one with adaos up`);
  });

  test("down gives 0: nothing was running", async () => {
    expect(await adaos("down")).toEqual({ code: 0, out: "", said: "nothing was running\n" });
    expect(await adaos("down", "--json")).toEqual({ code: 0, out: '{"stopped":0}\n', said: "" });
  });

  test("takes --state before the environment", async () => {
    const other = join(state, "other");
    expect((await adaos("status", "--state", other)).said).toContain(`no mesh in ${other}`);
  });
});

describe("main(), a mesh within one process", () => {
  test("is no place to publish from a shell", async () => {
    vi.stubEnv("ADAOS_MESH", "examples/local.yaml");
    const { code, out, said } = await adaos(...PUBLISH, '{"text":"x"}');
    expect([code, out]).toEqual([64, ""]);
    expect(said).toContain("ADAOS_MESH names examples/local.yaml, a mesh within one process");
  });
});

describe("main(), files that are wrong", () => {
  test("gives 78 for a mesh file that is missing or wrong, naming the place", async () => {
    expect((await adaos("up", "--detach", "--config", join(state, "none.yaml"))).code).toBe(78);
    const file = join(state, "mesh.yaml");
    writeFileSync(file, "mesh: m\nsubnets:\n  root: {}\n");
    const { code, said } = await adaos("up", "--detach", "--config", file);
    expect(code).toBe(78);
    expect(said).toContain(`${file}:3:3 `);
  });

  test.each(["root", "hub", "member"])("gives 78 for the missing file of a %s", async (role) => {
    const { code, said } = await adaos("node", role, "--config", join(state, "none.json"));
    expect(code).toBe(78);
    expect(said).toContain("none.json cannot be read");
  });

  test("gives 78 for a state folder that is spoilt", async () => {
    writeFileSync(join(state, "mesh.json"), "{");
    const { code, said } = await adaos("status");
    expect(code).toBe(78);
    expect(said).toContain("mesh.json cannot be read; remove it and run adaos up");
  });

  test("stops what it finds by itself where the list of processes is spoilt", async () => {
    mkdirSync(join(state, "run"));
    writeFileSync(join(state, "run/processes.json"), "{");
    expect((await adaos("down")).code).toBe(0);
  });
});

describe("main(), what a command throws", () => {
  afterEach(() => {
    demo = () => undefined;
  });

  test("tells an error of the mesh in one line, with its code", async () => {
    demo = () => {
      throw new MeshError("denied", "alpha/kitchen may not");
    };
    expect(await adaos("demo")).toEqual({
      code: 77,
      out: "",
      said: "error alpha/kitchen may not (denied)\n",
    });
  });

  test.each([
    ["an error", new TypeError("broken"), "broken"],
    ["an internal error of the mesh", new MeshError("internal", "broken"), "broken"],
    ["a text", "broken", "broken"],
  ])("gives 70 and calls %s our bug", async (_, thrown, message) => {
    demo = () => Promise.reject(thrown);
    const { code, out, said } = await adaos("demo");
    expect([code, out]).toEqual([70, ""]);
    expect(said).toContain(`error this is a bug in adaos: ${message}`);
  });

  test("shows where our bug is", async () => {
    demo = () => {
      throw new TypeError("broken");
    };
    expect((await adaos("demo")).said).toMatch(/\n\s+at .*main\.unit\.test/);
  });

  test("gives 0 when it throws nothing, and the code that it has set", async () => {
    expect((await adaos("demo")).code).toBe(0);
    demo = () => {
      process.exitCode = 69;
    };
    expect((await adaos("demo")).code).toBe(69);
  });
});

describe("main(), errors with --json", () => {
  const told = (said: string): Record<string, unknown> => JSON.parse(said).error;

  test.each([
    ["an unknown option", 64, "usage", ["status", "--json", "--colour"]],
    ["a missing command", 64, "usage", ["events", "--json"]],
    ["a mesh that is not there", 69, "unavailable", ["status", "--json"]],
    [
      "a file that is not there",
      78,
      "invalid-config",
      ["policy", "check", "--json", "--config", "/nowhere.yaml"],
    ],
    ["a mesh without its file", 78, "invalid-config", ["up", "--json", "--config", "/nowhere.yaml"]],
  ])("are one line of JSON on standard error: %s", async (_, exitCode, errorCode, args) => {
    const { code, out, said } = await adaos(...args);
    expect([code, out]).toEqual([exitCode, ""]);
    expect(told(said)).toEqual({
      code: errorCode,
      message: expect.stringMatching(/./),
      remedy: expect.stringMatching(/./),
      violations: [],
    });
  });
});
