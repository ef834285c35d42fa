import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { main } from "../../../main.ts";

const EVENTS = fileURLToPath(new URL("../../../../../../schemas/events", import.meta.url));

let dir: string;
let listeners: readonly unknown[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-registry-"));
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
  rmSync(dir, { recursive: true });
});

/** Runs `adaos events …` on a registry, that of this repository by default. */
async function events(
  args: readonly string[],
  registry: string = EVENTS,
): Promise<{ code: number; out: string; said: string }> {
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
  process.exitCode = undefined;
  const code = await main(["events", ...args, "--registry", registry]);
  vi.restoreAllMocks();
  return { code, out, said };
}

/** A copy of the registry that may be broken. */
function copy(): string {
  const registry = join(dir, "events");
  cpSync(EVENTS, registry, { recursive: true });
  return registry;
}

function file(name: string, content: unknown): string {
  const path = join(dir, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

const ENVELOPE = {
  event_id: "EVT-20250923-162000-19ab7c",
  event_name: "nlp.intent.detected",
  version: 1,
  kind: "event",
  ts: "2025-09-23T16:20:00Z",
  source: "skill.nlp@hostA",
  correlation_id: "c-7f8b",
  tenant: "default",
  headers: { idempotency_key: "intent:123" },
  data: { intent: "lights.on", slots: {}, locale: "en-GB" },
};

describe("adaos events registry lint", () => {
  test("gives 0 for the registry of this repository", async () => {
    const { code, out, said } = await events(["registry", "lint", "--strict"]);
    expect([code, out, said]).toEqual([0, "24 events, 0 errors, 0 warnings\n", ""]);
  });

  test("gives 78 and a line with place, rule and suggestion for an error", async () => {
    const registry = copy();
    const index = readFileSync(join(registry, "registry.yaml"), "utf8");
    writeFileSync(
      join(registry, "registry.yaml"),
      index.replace("name: system.boot.completed", "name: system.boot.complete"),
    );
    const { code, said } = await events(["registry", "lint"], registry);
    expect(code).toBe(78);
    expect(said).toMatch(
      /registry\.yaml:4:9 error .*; did you mean system\.boot\.completed\? \(name-event\)/,
    );
    const json = JSON.parse((await events(["registry", "lint", "--json"], registry)).out);
    expect(json.findings).toContainEqual(expect.objectContaining({ rule: "name-event", line: 4, column: 9 }));
  });

  test("gives 0 for warnings, and 78 with --strict", async () => {
    const registry = copy();
    writeFileSync(join(registry, "notes.txt"), "");
    expect((await events(["registry", "lint"], registry)).code).toBe(0);
    expect((await events(["registry", "lint", "--strict"], registry)).code).toBe(78);
  });

  test("looks at what skills use", async () => {
    const skill = file("skill.yaml", "subscribe:\n  - ui.notfy@1\n");
    const { code, said } = await events(["registry", "lint", "--uses", skill]);
    expect(code).toBe(78);
    expect(said).toMatch(/skill\.yaml:2:5 error .*did you mean ui\.notify@1\?/);
  });

  test("gives 78 where there is no registry", async () => {
    expect(await events(["registry", "lint"], join(dir, "none"))).toMatchObject({ code: 78, out: "" });
  });
});

describe("adaos events registry generate", () => {
  test("tells what is not up to date, and writes it", async () => {
    const registry = copy();
    expect(await events(["registry", "generate", "--check"], registry)).toMatchObject({ code: 0, out: "" });
    writeFileSync(join(registry, "_dist/registry.json"), "{}");
    const { code, out } = await events(["registry", "generate", "--check"], registry);
    expect([code, out]).toEqual([78, `stale ${join(registry, "_dist/registry.json")}\n`]);
    expect((await events(["registry", "generate"], registry)).out).toMatch(/^wrote .*registry\.json\n$/);
    expect((await events(["registry", "lint"], registry)).code).toBe(0);
  });
});

describe("adaos events registry generate, into a folder that is not its own", () => {
  test("refuses a folder of other files, and a link", async () => {
    const registry = copy();
    rmSync(join(registry, "_dist"), { recursive: true });
    mkdirSync(join(registry, "_dist"));
    writeFileSync(join(registry, "_dist/notes.txt"), "mine");
    expect((await events(["registry", "generate"], registry)).code).toBe(64);
    expect(readdirSync(join(registry, "_dist"))).toEqual(["notes.txt"]);
    rmSync(join(registry, "_dist"), { recursive: true });
    mkdirSync(join(registry, "..", "elsewhere"));
    symlinkSync("../elsewhere", join(registry, "_dist"));
    expect((await events(["registry", "generate"], registry)).code).toBe(64);
    expect(readdirSync(join(registry, "..", "elsewhere"))).toEqual([]);
  });
});

describe("adaos events scaffold", () => {
  test("makes what lint takes, and refuses to do so twice", async () => {
    const registry = copy();
    const args = ["scaffold", "lab.sample.weighed", "--kind", "event", "--version", "2"];
    const planned = await events([...args, "--dry-run"], registry);
    expect(planned.out).toContain(`would create ${join(registry, "lab/sample.weighed/v2/schema.json")}`);
    expect((await events(["registry", "lint"], registry)).out).toMatch(/^24 events/);
    expect(await events(args, registry)).toMatchObject({ code: 0 });
    const { code, out } = await events(["registry", "lint", "--strict"], registry);
    expect([code, out]).toEqual([0, "25 events, 0 errors, 0 warnings\n"]);
    expect(await events(args, registry)).toMatchObject({ code: 64, out: "" });
  });

  test.each([
    ["../evil.done"],
    ["lab.sample.weigh"],
    ["lab.sample.weighed", "--version", "0"],
    ["lab.sample.weighed", "--kind", "query"],
  ])("gives 64 for %j", async (...args) => {
    const { code, out, said } = await events(["scaffold", ...args], copy());
    expect([code, out]).toEqual([64, ""]);
    expect(said).not.toBe("");
  });
});

describe("adaos events pack", () => {
  test("tells what it would write, writes it, and tells nothing to do the second time", async () => {
    const output = join(dir, "pack");
    const planned = await events(["pack", "--output", output, "--dry-run"]);
    expect(planned.out).toContain(`would create ${join(output, "llms.txt")}\n`);
    expect(existsSync(output)).toBe(false);
    const { code, out, said } = await events(["pack", "--output", output, "--json"]);
    const { parts, created } = JSON.parse(out);
    expect([code, said]).toEqual([0, expect.stringMatching(/^$/)]);
    for (const { path, tokens } of parts) expect(tokens, path).toBeLessThanOrEqual(8000);
    for (const path of created) expect(existsSync(join(output, path)), path).toBe(true);
    expect((await events(["pack", "--output", output])).out).toBe("");
  });

  test("gives 64 and writes nothing where a file of somebody else is in the way, 78 without a registry", async () => {
    file("registry.json", "mine");
    expect(await events(["pack", "--output", dir])).toMatchObject({ code: 64, out: "" });
    expect(readdirSync(dir)).toEqual(["registry.json"]);
    expect((await events(["pack", "--output", dir], join(dir, "none"))).code).toBe(78);
  });
});

describe("adaos events validate", () => {
  test("tells an envelope from a payload", async () => {
    const envelope = file("envelope.json", ENVELOPE);
    const payload = file("payload.json", ENVELOPE.data);
    expect((await events(["validate", envelope])).out).toBe(
      `${envelope}:1 ok nlp.intent.detected@1 envelope\n`,
    );
    expect(await events(["validate", payload, "--event", "nlp.intent.detected"])).toMatchObject({
      code: 0,
      out: `${payload}:1 ok nlp.intent.detected@1 payload\n`,
    });
    expect(await events(["validate", payload])).toMatchObject({
      code: 65,
      out: expect.stringContaining("--event"),
    });
  });

  test.each<[what: string, change: object, pointer: string]>([
    ["no time", { ts: "yesterday" }, "/ts"],
    ["a field too many", { colour: "red" }, "/colour"],
    ["an unknown event", { event_name: "nlp.intent.detektd" }, "/event_name"],
    ["an unknown version", { version: 7 }, "/event_name"],
    ["another kind", { kind: "command" }, "/kind"],
    ["wrong data", { data: { intent: "x", slots: {}, locale: "en", confidence: 2 } }, "/data/confidence"],
    [
      "a number that would be rounded",
      { data: { intent: "x", slots: {}, locale: "en", n: 2 ** 60 } },
      "/data/n",
    ],
    ["too much", { data: { intent: "x", slots: { a: "x".repeat(300_000) }, locale: "en" } }, ""],
  ])("refuses an envelope with %s", async (_, change, pointer) => {
    const path = file("envelope.json", { ...ENVELOPE, ...change });
    const { code, out } = await events(["validate", path, "--json"]);
    const verdict = JSON.parse(out);
    expect([code, verdict.ok, verdict.as]).toEqual([65, false, "envelope"]);
    expect(verdict.problems[0].pointer).toBe(pointer);
  });

  test("tells the place in the file, of lists, of lines and of one value", async () => {
    const good = { text: "a" };
    const bad = { text: 1 };
    const list = file("list.json", JSON.stringify([good, bad, bad], undefined, 2));
    const lines = file("lines.txt", `\n${JSON.stringify(good)}\n\n${JSON.stringify(bad)}\nnonsense\n`);
    const one = file("one.json", '{\n  "text":\n    1 }');
    const { code, out, said } = await events([
      "validate",
      list,
      lines,
      one,
      "--event",
      "ui.notify@1",
      "--quiet",
    ]);
    expect([code, said]).toEqual([65, "7 events, 5 not valid\n"]);
    expect(out.split("\n").map((line) => line.replace(`${dir}/`, "").slice(0, 40))).toEqual([
      "list.json:6:13 invalid ui.notify@1 /text",
      "list.json:9:13 invalid ui.notify@1 /text",
      "lines.txt:4:9 invalid ui.notify@1 /text ",
      "lines.txt:5:1 invalid is not JSON: look ",
      "one.json:3:5 invalid ui.notify@1 /text m",
      "",
    ]);
  });

  test.each([
    ["no JSON", "{", ":1:2 invalid is not JSON"],
    ["no JSON, in words that quote none of it", '{"mail": canary}', ":1:10 invalid is not JSON: look"],
    ["a key twice", '{"text":"a","text":"b"}', 'has the key "text" twice'],
    ["bytes that are no text", "\u0000", "is not JSON"],
  ])("refuses %s", async (_, text, told) => {
    const { code, out } = await events(["validate", file("x.json", text), "--event", "ui.notify"]);
    expect(code).toBe(65);
    expect(out).toContain(told);
    expect(out).not.toContain("canary");
  });

  test("gives 65 for a file with nothing in it, 64 for one that is not there", async () => {
    expect((await events(["validate", file("empty.json", "\n\n")])).code).toBe(65);
    expect((await events(["validate", join(dir, "none.json")])).code).toBe(64);
  });

  test("passes over a line without end and goes on behind it", async () => {
    const long = JSON.stringify({ text: "x".repeat(2 * 1024 * 1024) });
    const path = file("many.ndjson", `{"text":"a"}\n${long}\n{"text":"b"}\n`);
    const { code, out } = await events(["validate", path, "--event", "ui.notify"]);
    expect(code).toBe(65);
    expect(out.split("\n").map((line) => line.replace(path, ""))).toEqual([
      ":1 ok ui.notify@1 payload",
      ":2:1 invalid is longer than 1048576 bytes",
      ":3 ok ui.notify@1 payload",
      "",
    ]);
  });

  test("holds one line of many at a time", async () => {
    const line = `${JSON.stringify({ text: "x".repeat(1000) })}\n`;
    const path = file("many.ndjson", line.repeat(100_000));
    const before = process.memoryUsage().heapUsed;
    const { code, said } = await events(["validate", path, "--event", "ui.notify", "--quiet"]);
    expect([code, said]).toEqual([0, "100000 events, 0 not valid\n"]);
    // The file has 100 MB. The measured heap includes garbage that is not collected yet.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(70_000_000);
  });

  test("takes every example of the registry, and refuses every invalid one", async () => {
    const { events: records } = JSON.parse(readFileSync(join(EVENTS, "_dist/registry.json"), "utf8"));
    for (const { name, version, examples } of records) {
      const files = examples.map((path: string) => join(EVENTS, path));
      expect((await events(["validate", ...files, "--event", `${name}@${version}`])).code).toBe(0);
    }
  });
});

describe("adaos events registry import", () => {
  const SAMPLE = {
    specversion: "1.0",
    type: "com.lab.sample.frozen.v2",
    source: "/lab",
    id: "1",
    data: { id: "a" },
  };
  const options = ["--strip", "com.", "--map", "com.lab.sample.thawn=lab.sample.thawed@3:event"];

  test("tells what it would import, imports it, and does it once", async () => {
    const registry = copy();
    const source = file("events.json", [SAMPLE, { ...SAMPLE, type: "com.lab.sample.thawn" }]);
    const index = readFileSync(join(registry, "registry.yaml"), "utf8");
    const dry = await events(["registry", "import", source, ...options, "--dry-run"], registry);
    expect([dry.code, dry.out]).toEqual([
      0,
      "would import com.lab.sample.frozen.v2 as lab.sample.frozen@2 (event, draft)\nwould import com.lab.sample.thawn as lab.sample.thawed@3 (event, draft)\n",
    ]);
    expect(dry.said).toContain("look at: the schema of com.lab.sample.frozen.v2 was made of 1 event;");
    expect(readFileSync(join(registry, "registry.yaml"), "utf8")).toBe(index);
    const { code, out } = await events(["registry", "import", source, ...options, "--json"], registry);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      events: [{ event: "lab.sample.frozen@2" }, { event: "lab.sample.thawed@3" }],
    });
    expect((await events(["registry", "lint", "--strict"], registry)).said).toBe("");
    expect((await events(["registry", "import", source, ...options], registry)).code).toBe(64);
  });

  test("refuses a --map of what is not there", async () => {
    const source = file("event.json", SAMPLE);
    const { code, said } = await events(
      ["registry", "import", source, "--map", "other=lab.other.done@1"],
      copy(),
    );
    expect(code).toBe(64);
    expect(said).toMatch(/--map names "other", which .*event\.json does not hold/);
  });
});
