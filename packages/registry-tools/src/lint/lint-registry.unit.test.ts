import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { MeshError } from "@adaos/core";
import { loadRegistry } from "@adaos/registry";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { contract, edited, RIGHT, writeFiles, writeRight } from "../../../../test/kit/small-registry.ts";
import { type LintReport, lintRegistry } from "./lint-registry.ts";
import { LINT_RULES } from "./rules.ts";

const EVENTS = fileURLToPath(new URL("../../../../schemas/events", import.meta.url));
const DOCS = fileURLToPath(new URL("../../../../docs/reference/lint.md", import.meta.url));
const SCHEMA = "lab/sample.weighed/v1/schema.json";
const TYPE = '"type": "string", "minLength": 1';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "lint-"));
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

const index = (from: string, to: string): Record<string, string> => edited("registry.yaml", from, to);
const schema = (from: string, to: string): Record<string, string> => edited(SCHEMA, from, to);

/** `<rule> <path below the registry>:<line>:<column>` of every finding. */
function told({ findings }: LintReport): string[] {
  return findings.map(({ rule, file, line, column }) => {
    return `${rule} ${relative(dir, resolve(file))}:${line}:${column}`;
  });
}

describe("lintRegistry()", () => {
  test("finds nothing in the registry of this repository", async () => {
    expect(await lintRegistry(EVENTS)).toMatchObject({ errors: 0, warnings: 0, findings: [] });
  });

  test("finds nothing in a registry that is right, and warns when nothing was generated", async () => {
    await writeRight(dir);
    expect(await lintRegistry(dir)).toEqual({ records: 3, errors: 0, warnings: 0, findings: [] });
    await rm(join(dir, "_dist"), { recursive: true });
    expect(told(await lintRegistry(dir))).toEqual([
      "dist-missing _dist/events.d.ts:1:1",
      "dist-missing _dist/registry.json:1:1",
    ]);
  });

  test("tells faults of every part in one run", async () => {
    await writeRight(dir);
    await writeFiles(dir, {
      "registry.yaml": (RIGHT["registry.yaml"] ?? "")
        .replace("version: 1\n  kind: reply", "version: x\n  kind: reply")
        .replace("/good.json", "/god.json"),
      [SCHEMA]: (RIGHT[SCHEMA] ?? "").replace("1.0.0", "1.0").replace(TYPE, '"pattern": "(", "minLenght": 1'),
      ...edited("lab/sample.weigh/v1/examples/good.json", '"a"', "1"),
      "stray.json": "{}",
    });
    const rules = (await lintRegistry(dir)).findings.map(({ rule }) => rule);
    for (const rule of [
      "record-field",
      "file-missing",
      "schema-version",
      "pattern-unsafe",
      "keyword-unsupported",
      "example-invalid",
      "file-orphan",
    ])
      expect(rules).toContain(rule);
  });

  test("does not call files orphans whose record is broken", async () => {
    await writeRight(dir);
    await writeFiles(dir, index("kind: event", "kind: evnt"));
    expect(told(await lintRegistry(dir))).toEqual(["record-field registry.yaml:3:9"]);
  });

  test("takes the short form of $id", async () => {
    await writeFiles(dir, RIGHT);
    await writeFiles(dir, schema("urn:adaos:schema:lab.sample.weighed:v1", "lab.sample.weighed.v1"));
    expect(await lintRegistry(dir)).toMatchObject({ errors: 0 });
    expect((await loadRegistry(dir)).resolve("lab.sample.weighed").schema).toBe("lab.sample.weighed.v1");
  });

  test("takes a name that breaks the rules where the record says why", async () => {
    await writeRight(dir);
    await writeFiles(
      dir,
      index("kind: command", "naming_exception: the word of the laboratory\n  kind: event"),
    );
    const rules = (await lintRegistry(dir)).findings.map(({ rule }) => rule);
    expect(rules).not.toContain("name-event");
  });

  test("warns of an older version that is still stable, and of who refers to a deprecated one", async () => {
    const second = Object.fromEntries(
      Object.entries(contract("lab.sample.weighed")).map(([path, text]) => [
        path.replace("/v1/", "/v2/"),
        text.replace(":v1", ":v2").replace("1.0.0", "2.0.0"),
      ]),
    );
    const first = (RIGHT["registry.yaml"] ?? "").slice(
      0,
      RIGHT["registry.yaml"]?.indexOf("- name: lab.sample.weigh\n"),
    );
    const both = `${RIGHT["registry.yaml"]}${first.replace("version: 1", "version: 2").replaceAll("/v1/", "/v2/")}`;
    await writeFiles(dir, { ...RIGHT, ...second, "registry.yaml": both });
    expect(told(await lintRegistry(dir))).toContain("version-superseded registry.yaml:5:11");
    const user = edited(
      "lab/sample.weigh/v1/schema.json",
      TYPE,
      '"$ref": "urn:adaos:schema:lab.sample.weighed:v1#/properties/id"',
    );
    await writeFiles(dir, { ...user, "registry.yaml": both.replace("status: stable", "status: deprecated") });
    const uses = join(dir, "skill.yaml");
    await writeFile(
      uses,
      "subscribe: [lab.sample.weighed@1, lab.sample.weighed@2]\npublish:\n  - lab.sample.weigheb@2\n  - someone@example.org\n",
    );
    const report = await lintRegistry(dir, { uses: [uses] });
    expect(told(report)).toEqual(
      expect.arrayContaining([
        "deprecated-in-use lab/sample.weigh/v1/schema.json:7:21",
        "deprecated-in-use skill.yaml:1:13",
        "use-unknown skill.yaml:3:5",
      ]),
    );
    const meant = report.findings
      .filter(({ file }) => file.endsWith("skill.yaml"))
      .map(({ suggestion }) => suggestion);
    expect(meant).toEqual([undefined, "lab.sample.weighed@2", "lab.sample.weighed@2"].slice(-meant.length));
  });

  test("refuses a folder that is not there, and tells of one without an index", async () => {
    await expect(lintRegistry(join(dir, "none"))).rejects.toThrow(MeshError);
    expect(told(await lintRegistry(dir))[0]).toBe("file-missing registry.yaml:1:1");
  });

  test("follows no link out of the folder", async () => {
    await writeRight(dir);
    await rm(join(dir, SCHEMA));
    await symlink("/etc/hostname", join(dir, SCHEMA));
    expect(told(await lintRegistry(dir))).toContain("file-unread registry.yaml:8:11");
  });

  test("tells a thousand of very many faults, and counts the others", async () => {
    await writeFiles(dir, { "registry.yaml": "- nonsense\n".repeat(5000) });
    const { findings, errors } = await lintRegistry(dir);
    expect([findings.length, errors]).toEqual([1000, 5000]);
    await writeFiles(dir, { "registry.yaml": `- "${"x".repeat(100_000)}": 1\n` });
    for (const { message } of (await lintRegistry(dir)).findings) expect(message.length).toBeLessThan(500);
  });

  test("survives whatever its files hold", async () => {
    await writeRight(dir);
    const paths = Object.keys(RIGHT);
    const change = fc.record({
      path: fc.constantFrom(...paths),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.nat(20),
      text: fc.oneof(
        fc.string(),
        fc.constantFrom("{", "}", "[", '"', ":", "null", "\u0000", "- ", "$ref", "\\"),
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        await writeFiles(dir, RIGHT);
        for (const { path, at, length, text } of changes) {
          const before = RIGHT[path] ?? "";
          const start = Math.floor(at * before.length);
          await writeFiles(dir, { [path]: before.slice(0, start) + text + before.slice(start + length) });
        }
        const { findings } = await lintRegistry(dir);
        for (const { line, column } of findings) expect(Math.min(line, column)).toBeGreaterThan(0);
      }),
      { numRuns: 150 },
    );
  });

  test("looks through a thousand events in seconds", async () => {
    const names = Array.from({ length: 1000 }, (_, i) => `lab${i}.sample.weighed`);
    const record = (RIGHT["registry.yaml"] ?? "").split("- name: lab.sample.weigh\n")[0] ?? "";
    await writeFiles(dir, {
      "registry.yaml": names
        .map((name) =>
          record.replace("lab.sample.weighed", name).replaceAll("lab/", `${name.split(".")[0]}/`),
        )
        .join(""),
    });
    for (const name of names) await writeFiles(dir, contract(name));
    const startedMs = performance.now();
    expect(await lintRegistry(dir)).toMatchObject({ records: 1000, errors: 0 });
    // 1.5 to 2.5 s on two cores that others share.
    expect(performance.now() - startedMs).toBeLessThan(25_000);
  });
});

describe("docs/reference/lint.md", () => {
  test("explains every rule, and says how bad it is", async () => {
    const rows = [
      ...(await readFile(DOCS, "utf8")).matchAll(/^\| `([a-z-]+)` \| (error|warning) \| .+ \|$/gm),
    ];
    expect(Object.fromEntries(rows.map(([, rule, severity]) => [rule, severity]))).toEqual(LINT_RULES);
  });
});
