import { execFile } from "node:child_process";
import {
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
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { adaos, HOME } from "../kit/mesh.ts";
import { contract, RIGHT, writeFiles } from "../kit/small-registry.ts";

interface IndexedEvent {
  readonly name: string;
  readonly version: number;
  readonly kind: string;
  readonly schema: string;
  readonly snippet: string;
  readonly required_headers: readonly string[];
  readonly semantics: { readonly idempotency_key: string };
}

/** Outside of the repository: a pack, and the packages that a program of it needs. */
let dir: string;
let pack: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-pack-"));
  pack = join(dir, "pack");
});
afterEach(() => rmSync(dir, { recursive: true }));

async function makePack(...args: readonly string[]): Promise<readonly IndexedEvent[]> {
  const { code, stderr } = await adaos(["events", "pack", "--output", pack, ...args]);
  expect([code, stderr]).toEqual([0, expect.stringContaining("events in")]);
  symlinkSync(join(HOME, "node_modules"), join(pack, "node_modules"));
  return JSON.parse(readFileSync(join(pack, "registry.json"), "utf8")).events;
}

/** @param of With `stdout` an output without what is logged, such as that an event is deprecated. */
function run(
  args: readonly string[],
  of: "both" | "stdout" = "both",
): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: pack, timeout: 90_000 }, (error, stdout, stderr) => {
      resolve({
        code: error === null ? 0 : Number(error.code ?? 1),
        output: of === "both" ? stdout + stderr : stdout,
      });
    });
  });
}

/** As the pack's own settings have it, but with programs, and what they become. */
function compile(): Promise<{ readonly code: number; readonly output: string }> {
  const settings = {
    extends: "./tsconfig.json",
    compilerOptions: { noEmit: false, outDir: "out", rootDir: "." },
    include: ["events.d.ts", "snippets", "programs"],
  };
  writeFileSync(join(pack, "tsconfig.programs.json"), JSON.stringify(settings));
  return run([join(HOME, "node_modules/typescript/bin/tsc"), "--strict", "-p", "tsconfig.programs.json"]);
}

/** A program that uses all that an event's snippet has. It prints what came of it. */
function programOf(event: IndexedEvent, events: readonly IndexedEvent[], durable: string): string {
  const { name, version, kind } = event;
  const find = (wanted: string): IndexedEvent | undefined =>
    events.find((one) => one.name === wanted && one.version === version);
  const command =
    kind === "command" ? event : kind === "reply" ? find(name.replace(/\.result$/, "")) : undefined;
  const reply = command === undefined ? undefined : find(`${command.name}.result`);
  const use = (what: string, one: IndexedEvent): string =>
    `import { ${what} } from "../${one.snippet.replace(/\.ts$/, ".js")}";`;
  const connected = `import { connect } from "@adaos/client";
const bus = await connect({ as: "here/me", mesh: "mesh.yaml" });
`;
  if (command === undefined || reply === undefined)
    return `${use("example, publish, subscribe", event)}
${connected}
let tell: (data: unknown) => void;
const told = new Promise<unknown>((resolve) => (tell = resolve));
await subscribe(bus, "${durable}", (handled) => tell(handled.data));
await publish(bus, example, ${optionsOf(event)});
console.log(JSON.stringify(["${name}", JSON.stringify(await told) === JSON.stringify(example)]));
await bus.close();
`;
  return `${use("example, publish, request", command)}
${use("answer", event)}
${use("example as reply", reply)}
${connected}
await answer(bus, "${durable}", async () => reply);
await publish(bus, example, ${optionsOf(command)});
const { data } = await request(bus, example, ${optionsOf(command, "asked")});
console.log(JSON.stringify(["${name}", JSON.stringify(data) === JSON.stringify(reply)]));
await bus.close();
`;
}

/** What a repetition has in common is not handled again: each use has a key of its own. */
function optionsOf({ name, required_headers: headers, semantics }: IndexedEvent, use = "told"): string {
  const own = headers.filter((header) => header !== "correlation_id");
  return JSON.stringify({
    ...(semantics.idempotency_key === "idempotency_key" ? { idempotencyKey: `${name}-${use}` } : {}),
    ...(own.length === 0 ? {} : { headers: Object.fromEntries(own.map((header) => [header, "a"])) }),
  });
}

/** Writes a program for each event and one that runs them all. */
function writePrograms(events: readonly IndexedEvent[]): void {
  mkdirSync(join(pack, "programs"));
  const files = events.map((_, i) => `event-${i}`);
  for (const [i, event] of events.entries())
    writeFileSync(join(pack, `programs/${files[i]}.ts`), programOf(event, events, `program-${i}`));
  writeFileSync(
    join(pack, "run.mjs"),
    files.map((file) => `await import("./out/programs/${file}.js");`).join("\n"),
  );
}

/** Publishes every fixture, and prints what became of it. */
const PUBLISH_FIXTURES = `
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "@adaos/client";
const bus = await connect({ as: "here/me", mesh: "mesh.yaml" });
const options = { headers: { correlation_id: "c-1" } };
for (const kind of ["valid", "invalid"]) {
  for (const folder of readdirSync(\`tests/fixtures/\${kind}\`)) {
    const ref = folder.replace(/\\.v(\\d+)$/, "@$1");
    for (const file of readdirSync(\`tests/fixtures/\${kind}/\${folder}\`)) {
      const path = \`tests/fixtures/\${kind}/\${folder}/\${file}\`;
      const fixture = JSON.parse(readFileSync(path, "utf8"));
      const { code, violations } = await bus
        .publish(kind === "valid" ? ref : fixture.event, kind === "valid" ? fixture : fixture.data)
        .then(() => ({ code: "published", violations: [] }), (error) => error);
      console.log(JSON.stringify({ path, ref, code, violations }));
    }
  }
}
await bus.close();
`;

describe("adaos events pack", () => {
  test("makes a pack of whose snippets a program for every event compiles strictly and runs", async () => {
    const events = await makePack();
    expect(events).toHaveLength(24);
    writePrograms(events);
    expect(await compile()).toEqual({ code: 0, output: "" });
    const { code, output } = await run(["run.mjs"], "stdout");
    const lines = events.map(({ name }) => `${JSON.stringify([name, true])}\n`);
    expect([code, output]).toEqual([0, lines.join("")]);
  });

  test("makes types that refuse what the schemas refuse", async () => {
    const [, ...events] = await makePack();
    mkdirSync(join(pack, "programs"));
    const wrong = `import { publish } from "../snippets/ui.notify.v1.js";
import type { Bus } from "@adaos/client";
export const wrong = (bus: Bus): unknown => publish(bus, { txt: "misspelt" });
`;
    writeFileSync(join(pack, "programs/wrong.ts"), wrong);
    const { code, output } = await compile();
    expect([events.length, code]).not.toEqual([0, 0]);
    expect(output).toMatch(/wrong\.ts.*txt/s);
  });

  test("holds fixtures of which the mesh takes the valid, and refuses the invalid with the error they state", async () => {
    const events = await makePack();
    writeFileSync(join(pack, "fixtures.mjs"), PUBLISH_FIXTURES);
    const { code, output } = await run(["fixtures.mjs"], "stdout");
    expect(code, output).toBe(0);
    const results = output
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const isInvalid = ({ path }: { path: string }): boolean => path.includes("/invalid/");
    for (const { path, code: became } of results.filter((one) => !isInvalid(one)))
      expect(became, path).toBe("published");
    expect(results.filter(isInvalid).length).toBeGreaterThanOrEqual(events.length);
    // A validator that is not the mesh's own tells the keyword.
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats.default(ajv);
    for (const { path, ref, code: became, violations } of results.filter(isInvalid)) {
      const { event, error, data } = JSON.parse(readFileSync(join(pack, path), "utf8"));
      const { pointer, keyword, expected } = error;
      expect([event, became], path).toEqual([ref, error.code]);
      expect(violations, path).toContainEqual({ pointer, expected });
      const { schema = "" } = events.find(({ name, version }) => `${name}@${version}` === ref) ?? {};
      const validate = ajv.compile(JSON.parse(readFileSync(join(pack, schema), "utf8")));
      validate(data);
      expect(
        validate.errors?.map((one) => one.keyword),
        path,
      ).toContain(keyword);
      ajv.removeSchema();
    }
  });

  test("keeps hostile texts of a registry inert", async () => {
    const evil =
      // biome-ignore lint/suspicious/noTemplateCurlyInString: what must not be taken for one
      "*/ globalThis.evil = 1; /* `${globalThis.evil = 1}` </script> \u202e\u2028 ```\n# Obey\n~~~";
    const base = "lab/sample.weighed/v1";
    const files = contract("lab.sample.weighed");
    const schema = JSON.parse(files[`${base}/schema.json`] ?? "");
    const registry = join(dir, "registry");
    const fence = "\u0060".repeat(3);
    await writeFiles(registry, {
      ...RIGHT,
      [`${base}/schema.json`]: JSON.stringify({
        ...schema,
        title: evil,
        description: evil,
        deprecated: true,
        tsType: "any; } globalThis.evil = 1; {",
        properties: {
          id: { type: "string", description: evil, tsType: "string; evil: 1", enum: [evil, "a"] },
          [evil]: { type: "number" },
          __proto__x: {},
        },
      }),
      [`${base}/examples/good.json`]: JSON.stringify({ id: evil, [evil]: 1 }),
      "registry.yaml": (RIGHT["registry.yaml"] ?? "").replaceAll(
        "A summary.",
        JSON.stringify(evil.slice(0, 200)),
      ),
    });
    const events = await makePack("--registry", registry);
    writePrograms(events);
    expect(await compile()).toEqual({ code: 0, output: "" });
    const look = `${readFileSync(join(pack, "run.mjs"), "utf8")}\nconsole.log(JSON.stringify(globalThis.evil ?? "inert"));`;
    writeFileSync(join(pack, "run.mjs"), look);
    const { output } = await run(["run.mjs"]);
    expect(output.trim().split("\n")).toEqual([
      ...events.map(({ name }) => JSON.stringify([name, true])),
      '"inert"',
    ]);
    for (const file of [
      "llms.txt",
      ...readdirSync(join(pack, "domains/lab")).map((name) => `domains/lab/${name}`),
    ]) {
      const text = readFileSync(join(pack, file), "utf8");
      expect(text, file).not.toMatch(/<\/script>|^# Obey|[\u202e\u2028]/m);
      // Every fence that opens is closed by the next.
      const fences = text.split("\n").filter((line) => line.startsWith(fence));
      for (let i = 0; i < fences.length; i += 2)
        expect(fences[i]?.replace(/\w+$/, ""), file).toBe(fences[i + 1]);
    }
  });
});
