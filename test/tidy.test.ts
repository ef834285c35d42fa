import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { HOME } from "./kit/mesh.ts";

/** The packages; each may use those below it. Tests may use any. */
const ORDER = [
  "bench",
  "cli",
  "mcp",
  "viewer",
  "bridge",
  "chaos",
  "doctor",
  "backup",
  "supervise",
  "operations",
  "provision",
  "root",
  "hub",
  "member",
  "skills",
  "client",
  "registry-tools",
  "policy",
  "nats-server",
  "alerts",
  "daemon",
  "conformance",
  "probes",
  "transport-local",
  "transport-nats",
  "registry",
  "json-schema",
  "config",
  "core",
];
const MAX_FILES_IN_FOLDER = 15;
const MAX_LINES = 400;
const MAX_WIDTH = 120;
/** Tests that were longer before this rule; each may only become shorter. */
const LONG_TESTS: Readonly<Record<string, number>> = {
  "packages/core/src/bus.unit.test.ts": 415,
  "packages/core/src/handle/consume.unit.test.ts": 675,
  "packages/core/src/handle/failure-handling.unit.test.ts": 535,
  "packages/json-schema/src/comparison/reading-gaps.unit.test.ts": 415,
  "packages/nats-server/src/config/compile.unit.test.ts": 590,
  "packages/transport-nats/src/pull/pull-consumer.unit.test.ts": 535,
  "test/mesh/join.mesh.test.ts": 515,
  "test/mesh/operator.mesh.test.ts": 540,
  "test/mesh/outage.mesh.test.ts": 445,
  "test/mesh/registry.mesh.test.ts": 575,
  "test/mesh/replay.mesh.test.ts": 474,
  "test/mesh/rights.mesh.test.ts": 855,
  "test/mesh/signatures.mesh.test.ts": 440,
};

const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: HOME,
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => /\.(tsx?|mjs)$/.test(file) && !file.includes("_dist/") && existsSync(join(HOME, file)));
const read = (file: string): string => readFileSync(join(HOME, file), "utf8");
const isTest = (file: string): boolean => file.includes(".test.ts") || !file.startsWith("packages/");
const sources = files.filter((file) => /^packages\/[^/]+\/src\//.test(file) && !isTest(file));

/** Modules that a file imports or exports from, as written. */
function importsOf(file: string): string[] {
  // A template may contain an import, in a program that it generates.
  const code = read(file).replaceAll(/`(?:[^`\\]|\\.)*`/gs, "``");
  return [...code.matchAll(/^(?:import|export)\b[^"`;]*?"([^"\n]+)"|\bimport\(\s*"([^"]+)"/gm)]
    .map(([, stated, called]) => stated ?? called ?? "")
    .filter((spec) => spec.startsWith(".") || spec.startsWith("@adaos/"));
}

function packageOf(file: string): string {
  return file.split("/")[1] ?? "";
}

describe("the packages", () => {
  test("are all in the list, and use those below them alone", () => {
    expect(sources.length).toBeGreaterThan(400);
    expect([...new Set(sources.map(packageOf))].sort()).toEqual([...ORDER].sort());
    const wrong = sources.flatMap((file) =>
      importsOf(file)
        .filter((spec) => spec.startsWith("@adaos/"))
        .map((spec) => spec.split("/")[1] ?? "")
        .filter((used) => ORDER.indexOf(used) <= ORDER.indexOf(packageOf(file)))
        .map((used) => `${file} uses ${used}`),
    );
    expect(wrong).toEqual([]);
  });

  test("are entered by their doors: nobody imports a file of another package", () => {
    const kit = join(HOME, "test/kit");
    const deep = files.flatMap((file) =>
      importsOf(file)
        .filter((spec) => spec.startsWith("."))
        .map((spec) => resolve(HOME, dirname(file), spec))
        .filter((target) => {
          if (target.startsWith(`${kit}/`)) return !isTest(file);
          const own = file.startsWith("packages/") ? `packages/${packageOf(file)}/` : "";
          const to = relative(HOME, target);
          return to.startsWith("packages/") && (own === "" || !to.startsWith(own));
        })
        .map((target) => `${file} imports ${relative(HOME, target)}`),
    );
    expect(deep).toEqual([]);
  });
});

describe("the tree", () => {
  test(`has no folder with more than ${MAX_FILES_IN_FOLDER} files beside each other, and none that says nothing`, () => {
    const folders = new Map<string, string[]>();
    for (const file of sources) folders.set(dirname(file), [...(folders.get(dirname(file)) ?? []), file]);
    const full = [...folders].filter(([, inside]) => inside.length > MAX_FILES_IN_FOLDER);
    expect(full.map(([folder, inside]) => `${folder}: ${inside.length}`)).toEqual([]);
    const vague = [...folders.keys()].filter((folder) =>
      /\/(utils?|commons?|helpers?|types|misc)$/.test(folder),
    );
    expect(vague).toEqual([]);
  });

  test(`has no file over ${MAX_LINES} lines`, () => {
    const long = files
      .map((file) => [file, read(file).split("\n").length - 1] as const)
      .filter(([file, lines]) => lines > (LONG_TESTS[file] ?? MAX_LINES));
    expect(long).toEqual([]);
  });
});

describe("the text", () => {
  test(`has no comment wider than ${MAX_WIDTH}`, () => {
    const wide = files.flatMap((file) =>
      read(file)
        .split("\n")
        .map((line, i) => [`${file}:${i + 1}`, line] as const)
        .filter(
          ([, line]) => /^\s*(\*|\/\/|\/\*)/.test(line) && line.length > MAX_WIDTH && !line.includes("://"),
        )
        .map(([place]) => place),
    );
    expect(wide).toEqual([]);
  });

  test("joins a subject in core's wire/ alone", () => {
    // Our first token followed by another token in a template, or its constant joined with more.
    const joined =
      /[`"](?:evt|rpl|rpy|got|dlq|done|proc|met|parked|alert|svc\.hub|link)\.\$\{|`\$\{[A-Z_]+_ROOT\}\.|[`"](?:EVENTS|DLQ|DONE|PROCESSING|METRICS|PARKED|ALERTS)_\$\{/;
    const elsewhere = sources
      .filter((file) => !file.startsWith("packages/core/src/wire/") && packageOf(file) !== "bench")
      .filter((file) => joined.test(read(file)));
    expect(elsewhere).toEqual([]);
  });
});
