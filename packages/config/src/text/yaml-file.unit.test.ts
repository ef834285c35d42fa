import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { meshErrorOf } from "../../../../test/kit/stand-ins.ts";
import { parseYaml, readYamlFile } from "./yaml-file.ts";

const schema = z.strictObject({
  name: z.string(),
  list: z.array(z.number()).default([]),
  inner: z.strictObject({ port: z.number().max(10) }).optional(),
});

function problemsOf(text: string, by: z.ZodType = schema): string[] {
  const { code, message } = meshErrorOf(() => parseYaml(text, "mesh.yaml", by));
  expect(code).toBe("invalid-config");
  return message.split("\n");
}

describe("parseYaml()", () => {
  test("gives what the schema makes of the text, YAML or JSON", () => {
    expect(parseYaml("name: a\nlist: [1]", "f", schema).value).toEqual({ name: "a", list: [1] });
    expect(parseYaml('{"name":"a"}', "f", schema).value).toEqual({ name: "a", list: [] });
  });

  test("reads any JSON as JSON does, however it is written", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), fc.constantFrom(undefined, 2), (json, indent) => {
        const value: unknown = JSON.parse(json);
        fc.pre(typeof value === "object" && value !== null && !json.includes("__proto__"));
        expect(parseYaml(JSON.stringify(value, undefined, indent), "f", z.unknown()).value).toEqual(value);
      }),
    );
  });

  test("has the same problems, at the same places, with JSON as with the YAML that it is", () => {
    // JSON has no comments, so the whole is read as YAML.
    for (const json of [
      '{\n "name": 7,\n "list": [1, "two"],\n "inner": { "port": 11 },\n "x": 1\n}',
      '{"name":"a","list":[],"name":"b"}',
      '{"name":"a","__proto__":{}}',
      "[".repeat(200) + "]".repeat(200),
    ])
      expect(problemsOf(json)).toEqual(problemsOf(`${json} # YAML`));
  });

  test("takes YAML 1.2: no, on and 0777 are a text, a text and a number", () => {
    const any = z.array(z.unknown());
    expect(parseYaml("[no, on, 0777, 1:30]", "f", any).value).toEqual(["no", "on", 777, "1:30"]);
  });

  test("names every problem with its own line and column", () => {
    const text = ["name: 7", "list:", "  - 1", "  - two", "inner:", "  port: 11", "  colour: red", "x: 1"];
    expect(problemsOf(text.join("\n"))).toEqual([
      expect.stringMatching(/^mesh\.yaml:1:7 name: .*string/),
      expect.stringMatching(/^mesh\.yaml:4:5 list\[1\]: .*number/),
      expect.stringMatching(/^mesh\.yaml:6:9 inner\.port: .*10/),
      'mesh.yaml:7:3 unknown key "colour"',
      'mesh.yaml:8:1 unknown key "x"',
    ]);
  });

  test("places what is missing where it ought to be", () => {
    expect(problemsOf("inner:\n  {}\nlist: []")).toEqual([
      expect.stringMatching(/^mesh\.yaml:1:1 name: /),
      expect.stringMatching(/^mesh\.yaml:2:3 inner\.port: /),
    ]);
  });

  test("names ten problems and how many there are beyond", () => {
    const problems = problemsOf(`name: a\nlist: [${Array.from({ length: 13 }, () => "x").join(", ")}]`);
    expect(problems).toHaveLength(11);
    expect(problems[9]).toMatch(/^mesh\.yaml:2:35 /);
    expect(problems[10]).toBe("and 3 more");
  });

  test("refuses a key that stands twice, at the second", () => {
    expect(problemsOf("name: a\nlist: []\nname: b")).toEqual([
      expect.stringMatching(/^mesh\.yaml:3:1 .*unique/),
    ]);
    expect(problemsOf('{"name":"a","name":"b"}')).toEqual([expect.stringMatching(/^mesh\.yaml:1:13 /)]);
  });

  test.each([
    ["a tab for indentation", "name: a\ninner:\n\tport: 1", /^mesh\.yaml:3:1 /],
    ["a quote that does not end", 'name: "a', /^mesh\.yaml:1:\d+ /],
    ["a bracket that does not end", "name: a\nlist: [1", /^mesh\.yaml:2:\d+ /],
    ["a tag that nobody knows", "name: !secret a", /^mesh\.yaml:1:7 .*!secret/],
    ["a tag of JavaScript", "name: !!js/function 'x'", /^mesh\.yaml:1:7 /],
    ["a tag of bytes", "name: !!binary aGk=", /^mesh\.yaml:1:7 .*binary/],
    ["a tag of a set", "name: a\ninner: !!set { port: null }", /^mesh\.yaml:2:8 .*set/],
    ["a second document", "name: a\n---\nname: b", /^mesh\.yaml:2:1 /],
    ["an alias of nothing", "name: a\nlist: *numbers", /^mesh\.yaml:2:7 .*&numbers/],
    ["an alias of what comes later", "inner: *x\nname: &x a", /^mesh\.yaml:1:8 .*&x/],
    ["an alias of itself", "name: a\nlist: &x [*x]", /^mesh\.yaml:/],
  ])("refuses %s and says where", (_, text, problem) => {
    expect(problemsOf(text)[0]).toMatch(problem);
  });

  test.each([
    ["nothing", ""],
    ["a comment only", "# name: a"],
    ["null", "~"],
    ["a list", "- name: a"],
    ["a text", "name"],
  ])("refuses %s where an object is wanted", (_, text) => {
    expect(problemsOf(text)).toEqual([expect.stringMatching(/^mesh\.yaml:\d+:\d+ .*expected object/)]);
  });

  test("takes an alias", () => {
    const any = z.strictObject({ a: z.array(z.number()), b: z.array(z.number()) });
    expect(parseYaml("a: &x [1]\nb: *x", "f", any).value).toEqual({ a: [1], b: [1] });
  });

  test("refuses an alias bomb, fast", () => {
    const levels = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    const lines = levels.map((level, i) => {
      const items = Array.from({ length: 9 }, () => (i === 0 ? "lol" : `*${levels[i - 1]}`));
      return `${level}: &${level} [${items.join(",")}]`;
    });
    const startedMs = performance.now();
    expect(problemsOf(lines.join("\n"), z.unknown())).toEqual([
      expect.stringMatching(/^mesh\.yaml:1:1 .*alias/),
    ]);
    expect(performance.now() - startedMs).toBeLessThan(4000);
  });

  test("refuses an alias too many, where it stands", () => {
    const aliases = (count: number): string => `- &a 1\n${"- *a\n".repeat(count)}`;
    expect(parseYaml(aliases(99), "f", z.array(z.number())).value).toHaveLength(100);
    expect(problemsOf(aliases(20_000), z.unknown())).toEqual([
      "mesh.yaml:102:3 is one of more than 100 aliases",
    ]);
  });

  test("survives brackets nested 10,000 deep", () => {
    expect(problemsOf("[".repeat(10_000)).length).toBeGreaterThan(0);
    expect(problemsOf(`a: ${"[".repeat(10_000)}${"]".repeat(10_000)}`).length).toBeGreaterThan(0);
  });

  test.each([
    ["brackets", "[".repeat(100_000), "1:1\\d\\d"],
    ["braces", "{a: ".repeat(100_000), "1:"],
    ["lists", "- ".repeat(100_000), "1:"],
    ["questions", "? ".repeat(100_000), "1:"],
    ["lines", Array.from({ length: 1000 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"), "1"],
  ])("refuses %s nested without end, where they go too deep", (_, text, place) => {
    const [problem, ...others] = problemsOf(text, z.unknown());
    expect(problem).toMatch(new RegExp(`^mesh\\.yaml:${place}.* nests deeper than 100$`));
    expect(others).toEqual([]);
  });

  test("reads a file of very many keys, and refuses the one that is there twice", () => {
    const lines = Array.from({ length: 40_000 }, (_, i) => `k${i}: 1`);
    const any = z.record(z.string(), z.number());
    expect(Object.keys(parseYaml(lines.join("\n"), "f", any).value)).toHaveLength(40_000);
    expect(problemsOf([...lines, "k7: 2"].join("\n"), any)).toEqual([
      'mesh.yaml:40001:1 the key "k7" is not unique',
    ]);
    expect(problemsOf(lines.join("\n"))).toHaveLength(11);
  });

  test.each([
    ["a number beside the same text", '1: a\n"1": b', 'mesh.yaml:2:1 the key "1" is not unique'],
    ["null beside the empty text", '~: a\n"": b', 'mesh.yaml:2:1 the key "" is not unique'],
    ["a list", "? [a, b]\n: 1", "mesh.yaml:1:3 a key must be a text"],
  ])("refuses for a key %s", (_, text, problem) => {
    expect(problemsOf(text, z.unknown())).toEqual([problem]);
  });

  test.each(["__proto__: {name: a}", "name: a\n__proto__: 1"])("refuses the key __proto__ in %j", (text) => {
    expect(problemsOf(text)[0]).toMatch(/^mesh\.yaml:\d:1 unknown key "__proto__"$/);
  });

  test("does not let __proto__ slip through where any key goes", () => {
    expect(problemsOf("a: 1\n__proto__: 1", z.record(z.string(), z.number()))).toEqual([
      'mesh.yaml:2:1 unknown key "__proto__"',
    ]);
  });

  test("tells what is wrong with a key itself, where the key stands", () => {
    const short = z.string().max(2, "is too long");
    expect(problemsOf("a: 1\nlong: 1", z.record(short, z.number()))).toEqual([
      "mesh.yaml:2:1 long: is too long",
    ]);
  });
});

describe("CheckedFile.placeOf()", () => {
  const { placeOf } = parseYaml("name: a\ninner:\n  port: 1\nlist: [1, 2]", "/somewhere/mesh.yaml", schema);

  test.each([
    [["inner", "port"], "3:9"],
    [["inner"], "3:3"],
    [["list", 1], "4:11"],
    [["inner", "port", "deeper"], "3:9"],
    [["inner", "missing"], "3:3"],
    [["missing"], "1:1"],
    [[], "1:1"],
  ])("finds %j", (path, place) => {
    expect(placeOf(path)).toBe(`/somewhere/mesh.yaml:${place}`);
  });
});

describe("readYamlFile()", () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "adaos-yaml-"));
  });
  afterAll(() => {
    rmSync(dir, { recursive: true });
  });

  test("reads a file", () => {
    const file = join(dir, "good.yaml");
    writeFileSync(file, "name: a");
    expect(readYamlFile(file, schema)).toMatchObject({ file, value: { name: "a" } });
  });

  test("shows a path as its reader would type it", () => {
    const { message } = meshErrorOf(() => readYamlFile("package.json", schema));
    expect(message).toMatch(/^package\.json:\d+:\d+ /);
  });

  test.each([
    ["is missing", "missing.yaml", /missing\.yaml cannot be read: ENOENT/],
    ["is a folder", ".", /cannot be read: EISDIR/],
  ])("says of a file that it %s", (_, name, reason) => {
    const error = meshErrorOf(() => readYamlFile(join(dir, name), schema));
    expect(error.code).toBe("invalid-config");
    expect(error.message).toMatch(reason);
  });

  test("refuses a file above 4 MiB without reading it", () => {
    const file = join(dir, "huge.yaml");
    writeFileSync(file, Buffer.alloc(4 * 1024 * 1024 + 1, "#"));
    expect(meshErrorOf(() => readYamlFile(file, schema)).message).toContain(
      "4194305 bytes, the limit is 4194304",
    );
  });
});
