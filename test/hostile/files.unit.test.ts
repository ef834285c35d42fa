import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseYaml, readMeshFile } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { LinearPattern } from "@adaos/json-schema";
import { loadRegistry, parseRecords } from "@adaos/registry";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { brokenUtf8, hostileToken, tryHostile } from "../kit/hostile.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-files-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** The refusal as a wrong file; nothing when there was none. Anything else that is thrown fails the test. */
async function refusalOf(run: () => unknown): Promise<MeshError | undefined> {
  try {
    await run();
  } catch (thrown) {
    if (!(thrown instanceof MeshError)) throw thrown;
    expect(thrown.code).toBe("invalid-config");
    return thrown;
  }
  return undefined;
}

const PLACE = /^\S*mesh\.yaml:\d+:\d+:? /;

describe("YAML", () => {
  const hostile: readonly (readonly [what: string, yaml: fc.Arbitrary<string>])[] = [
    [
      "nesting",
      fc
        .tuple(
          fc.integer({ min: 101, max: 30_000 }),
          fc.constantFrom("[", "{a: ", "- ", "? ", "[{a: ", "- - ? "),
        )
        .map(([depth, open]) => open.repeat(depth)),
    ],
    [
      "alias bombs",
      fc.tuple(fc.integer({ min: 4, max: 12 }), fc.integer({ min: 5, max: 40 })).map(([levels, width]) => {
        const line = (i: number): string =>
          `l${i}: &l${i} [${Array.from({ length: width }, () => (i === 0 ? "x" : `*l${i - 1}`)).join()}]`;
        return Array.from({ length: levels }, (_, i) => line(i)).join("\n");
      }),
    ],
    [
      "tags",
      fc
        .tuple(
          fc.constantFrom(
            "!!js/function",
            "!!python/object/apply:os.system",
            "!!binary",
            "!ruby/object",
            "!x",
            "!<tag:x>",
            "!!set",
            "!!omap",
            "!!timestamp",
          ),
          fc.string({ unit: "grapheme-ascii", maxLength: 10 }),
        )
        .map(([tag, text]) => `a: ${tag} ${JSON.stringify(text)}`),
    ],
    [
      "keys twice",
      fc
        .tuple(fc.string({ unit: "binary", maxLength: 10 }), fc.array(fc.string({ minLength: 11 })))
        .map(([key, others]) => {
          const keys = [key, ...new Set(others), key].map((name) => `${JSON.stringify(name)}: 1`);
          return `{${keys.join(", ")}}`;
        }),
    ],
    [
      "__proto__",
      fc
        .constantFrom("__proto__", '"__proto__"', "'__proto__'", '"\\x5f_proto__"', "? __proto__\n")
        .chain((key) =>
          fc.constantFrom(`${key}: {polluted: 1}`, `a: 1\n${key}: 1`, `[{a: [{${key.trim()}: 1}]}]`),
        ),
    ],
  ];

  test.each(hostile)("is refused with its place: %s", async (what, yaml) => {
    await tryHostile(`YAML, ${what}`, yaml, async (text) => {
      const refusal = await refusalOf(() => parseYaml(text, "mesh.yaml", z.unknown()));
      expect(refusal?.message).toMatch(PLACE);
      expect("polluted" in {}).toBe(false);
      return refusal;
    });
  });

  test("of any text is read or refused, with its place", async () => {
    const piece = fc.constantFrom(
      ..."a b: - ? & * ! | > % @ ` [ ] { } , # ' \" &a *a !!str --- ... << 1 ~ \\ 0x".split(" "),
      " ",
      "\n",
      "\n  ",
      "\t",
      "\0",
      "\u2028",
      "\ufeff",
    );
    const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(""));
    await tryHostile(
      "YAML of any text",
      text,
      async (yaml) => {
        const refusal = await refusalOf(() => parseYaml(yaml, "mesh.yaml", z.unknown()));
        if (refusal !== undefined) expect(refusal.message).toMatch(PLACE);
        return refusal ?? new MeshError("invalid-config", "could be read");
      },
      2000,
    );
  });
});

describe("a mesh file", () => {
  test("names no subnet or member by which a file or subject would go astray", async () => {
    const file = join(dir, "mesh.yaml");
    const token = hostileToken.filter((name) => name !== "__proto__");
    const text = fc.oneof(
      token.map((name) => `mesh: ${JSON.stringify(name)}\nsubnets: { a: {} }\n`),
      token.map((name) => `mesh: m\nsubnets:\n  ${JSON.stringify(name)}: {}\n`),
      token.map((name) => `mesh: m\nsubnets:\n  a: { members: { ${JSON.stringify(name)}: {} } }\n`),
      token.map(
        (name) =>
          `mesh: m\nsubnets:\n  a: { members: { b: { publish: [${JSON.stringify(`ui.${name}.x`)}] } } }\n`,
      ),
    );
    await tryHostile("names in a mesh file", text, async (yaml) => {
      writeFileSync(file, yaml);
      const refusal = await refusalOf(() => readMeshFile(file));
      expect(refusal?.message).toMatch(PLACE);
      return refusal;
    });
  });
});

describe("a registry", () => {
  const record = { name: "a.b", version: 1, kind: "event", summary: "x", status: "stable" };

  /** Loads the registry of this folder with one schema. */
  async function load(schema: string | Uint8Array): Promise<MeshError | undefined> {
    writeFileSync(join(dir, "registry.yaml"), JSON.stringify([{ ...record, schema: "s.json" }]));
    writeFileSync(join(dir, "s.json"), schema);
    const refusal = await refusalOf(() => loadRegistry(dir));
    if (refusal !== undefined) expect(refusal.message).toContain("s.json");
    return refusal;
  }

  test("names no schema or example outside of its folder", async () => {
    // Capitals, dots and slashes are good in the path of a file.
    const name = hostileToken.filter(
      (token) => token === "" || /[^A-Za-z0-9._/-]|\.\.|(^|\/)[./-]/.test(token),
    );
    const path = fc.oneof(
      name.map((token) => `${token}/s.json`),
      name.map((token) => `ui/${token}/s.json`),
      fc.constantFrom(
        "../s.json",
        "/etc/passwd",
        "a/../../s.json",
        "./s.json",
        "a//s.json",
        "C:\\s.json",
        "file:///etc/passwd",
        ".git/config",
        "",
      ),
    );
    const field = fc.constantFrom("schema", "examples");
    await tryHostile("paths in a registry", fc.tuple(path, field), ([text, where]) => {
      const changes = where === "schema" ? { schema: text } : { schema: "s.json", examples: [text] };
      return refusalOf(() => parseRecords(JSON.stringify([{ ...record, ...changes }]), "registry.yaml"));
    });
  });

  test("follows no link out of its folder, or in a circle", async () => {
    const outside = mkdtempSync(join(tmpdir(), "adaos-outside-"));
    writeFileSync(join(outside, "s.json"), "{}");
    const registry = join(dir, "linked");
    const target = fc.constantFrom(
      outside,
      join(outside, "s.json"),
      "/etc",
      "/etc/passwd",
      "/dev/zero",
      "..",
      "../..",
      "link",
      "none",
      "/proc/self/mem",
    );
    const way = fc.tuple(target, fc.constantFrom("link", "link/s.json", "link/link", "link/passwd"));
    await tryHostile("links in a registry", way, async ([to, schema]) => {
      mkdirSync(registry);
      try {
        symlinkSync(to, join(registry, "link"));
        writeFileSync(join(registry, "registry.yaml"), JSON.stringify([{ ...record, schema }]));
        const refusal = await refusalOf(() => loadRegistry(registry));
        expect(refusal?.message).toMatch(/registry\.yaml:1:\d+: /);
        return refusal;
      } finally {
        rmSync(registry, { recursive: true });
      }
    });
    rmSync(outside, { recursive: true });
  });

  test("takes no schema that is no UTF-8, or has a key twice", async () => {
    await tryHostile("schemas that are no UTF-8", brokenUtf8, (bytes) =>
      load(Uint8Array.from([...Buffer.from('{"title":"'), ...bytes, ...Buffer.from('"}')])),
    );
    await tryHostile("schemas with a key twice", fc.string({ unit: "binary" }), (text) => {
      const key = JSON.stringify(text);
      return load(`{"properties":{"a":{${key}:{},${key}:{}}}}`);
    });
  });

  test("takes no reference to the network, to a file or in a circle", async () => {
    const away = fc.oneof(
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
      hostileToken.map((token) => `${token}/other.json#/x`),
      fc.constantFrom(
        "file:///etc/passwd",
        "../s.json",
        "s.json",
        "#/none",
        "#none",
        "urn:x:none",
        "//host/x",
        "data:,{}",
        "http://169.254.169.254/",
      ),
    );
    await tryHostile("references away", away, (reference) =>
      load(JSON.stringify({ properties: { a: { $ref: reference } } })),
    );
    const circle = fc
      .tuple(fc.integer({ min: 1, max: 60 }), fc.constantFrom("allOf", "anyOf", "oneOf", "not", "if", "$ref"))
      .map(([length, keyword]) => {
        const link = (i: number): object => {
          const next = { $ref: `#/$defs/d${(i + 1) % length}` };
          return keyword === "$ref"
            ? next
            : { [keyword]: /Of$/.test(keyword) ? [{ type: "string" }, next] : next };
        };
        const schemas = Array.from({ length }, (_, i) => [`d${i}`, link(i)]);
        return { $ref: "#/$defs/d0", $defs: Object.fromEntries(schemas) };
      });
    await tryHostile("references in a circle", circle, async (schema) => {
      const refusal = await load(JSON.stringify(schema));
      expect(refusal?.message).toContain("in a circle");
      return refusal;
    });
  });

  test("judges by patterns that would take years, at once", async () => {
    const inner = fc.constantFrom(
      "a+",
      "a*",
      "(a|a)",
      "(a|aa)",
      "[a-z]+",
      "\\w*",
      ".*",
      "(a?)",
      "(?:a+)?",
      "a{0,9}",
    );
    const pattern = fc
      .tuple(inner, fc.constantFrom("+", "*", "{1,20}", "+?"), fc.constantFrom("", "b?", "\\s*"))
      .map(([part, times, tail]) => `^(${part}${tail})${times}!$`);
    await tryHostile(
      "patterns that would take years",
      fc.tuple(pattern, fc.integer({ min: 50, max: 3000 })),
      ([source, length]) =>
        new LinearPattern(source).test(`${"a".repeat(length)}?`)
          ? undefined
          : new MeshError("invalid-event", `must match pattern ${source}`),
    );
    const beyond = fc.constantFrom(
      "(?=a)",
      "(?!a)",
      "(?<=a)b",
      "(?<!a)b",
      "(a)\\1",
      "(?<x>a)\\k<x>",
      "(((a{9}){9}){9}){9}",
    );
    await tryHostile(
      "patterns beyond linear time",
      fc.tuple(fc.stringMatching(/^[a-z]{0,5}$/), beyond),
      ([text, part]) => load(JSON.stringify({ properties: { a: { pattern: `^${text}${part}$` } } })),
    );
  });
});
