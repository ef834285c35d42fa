import {
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
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MemberSkillFiles } from "../set/member-files.ts";
import { applyInstall } from "./apply-install.ts";
import { contentDigest, pathProblem, readFolder, type SkillContent } from "./content.ts";
import { type InstallCommand, InstallRefusal, planInstall } from "./plan-install.ts";
import { readTarball } from "./read-tarball.ts";

const SKILL = {
  "skill.yaml": "name: weather\nversion: 1.0.0\nevents:\n  publish: [ui.notify@1]\n",
  "index.mjs": "export const handlers = {};\n",
  "lib/a.mjs": "export const a = 1;\n",
};
let dir: string;
let sources: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "install-"));
  sources = join(dir, "sources");
  write(SKILL, "weather");
});
afterEach(() => rmSync(dir, { recursive: true }));

function write(files: Readonly<Record<string, string>>, name: string): string {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(sources, name, path)), { recursive: true });
    writeFileSync(join(sources, name, path), text);
  }
  return join(sources, name);
}

interface Entry {
  readonly path: string;
  readonly text?: string;
  readonly type?: string;
  readonly size?: number;
}

/** A tar file as `tar --format=ustar` writes it. */
function tarOf(entries: readonly Entry[]): Buffer {
  const blocks = entries.flatMap(({ path, text = "", type = "0", size }) => {
    const header = Buffer.alloc(512);
    header.write(path, 0, 100);
    header.write("0000644\0", 100);
    header.write(`${(size ?? Buffer.byteLength(text)).toString(8).padStart(11, "0")}\0`, 124);
    header.write("        ", 148);
    header.write(type, 156);
    header.write("ustar\x0000", 257);
    const sum = header.reduce((all, byte) => all + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    const body = Buffer.alloc(Math.ceil(Buffer.byteLength(text) / 512) * 512);
    body.write(text);
    return [header, body];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

const entries = (top = ""): Entry[] =>
  Object.entries(SKILL).map(([path, text]) => ({ path: `${top}${path}`, text }));
const digestOf = (content: SkillContent = readFolder(join(sources, "weather"))): string =>
  contentDigest(content);
const command = (more: Partial<InstallCommand> = {}): InstallCommand => ({
  skill: "weather",
  digest: digestOf(),
  ...more,
});
function refusalOf(given: InstallCommand, allowed: readonly string[] = [sources]): string {
  try {
    planInstall(given, allowed);
  } catch (thrown) {
    if (thrown instanceof InstallRefusal) return `${thrown.code}: ${thrown.message}`;
    throw thrown;
  }
  return "not refused";
}

describe("pathProblem()", () => {
  test.each([
    "",
    "/etc/passwd",
    "../a",
    "a/../../b",
    "a//b",
    "./a",
    "C:\\a",
    "a\\b",
    "a\0b",
    "x/".repeat(11),
    "x".repeat(201),
  ])("refuses %j", (path) => expect(pathProblem(path)).toBeDefined());
  test.each(["a", "a/b.mjs", "..a/b", "a b"])("allows %j", (path) =>
    expect(pathProblem(path)).toBeUndefined(),
  );
});

describe("readTarball()", () => {
  test("has the content and the digest of the folder, with a folder around it or not, packed or not", () => {
    for (const bytes of [
      tarOf(entries()),
      gzipSync(tarOf(entries("./"))),
      gzipSync(tarOf(entries("package/"))),
    ])
      expect(contentDigest(readTarball(bytes, "x.tgz"))).toBe(digestOf());
  });

  test("takes a long path from an extended header", () => {
    const path = `${"d/".repeat(5)}${"n".repeat(150)}`;
    const record = ` path=${path}\n`;
    const text = `${record.length + 3}${record}`;
    const tar = tarOf([
      { path: "pax", type: "x", text },
      { path: "short", text: "1" },
      { path: "b", text: "2" },
    ]);
    expect([...readTarball(tar, "x.tar").keys()]).toEqual(["b", path]);
  });

  test.each([
    ["a link", [{ path: "a", type: "2" }], /"a" is a link/],
    ["a hard link", [{ path: "a", type: "1" }], /"a" is a link/],
    ["a device", [{ path: "a", type: "3" }], /"a" is no plain file/],
    ["a way out", [{ path: "../a", text: "x" }], /leaves the folder/],
    ["a folder outside", [{ path: "/tmp/x/", type: "5" }], /is absolute/],
    ["a path twice", [{ path: "a" }, { path: "a" }], /is there twice/],
    ["a file that is a folder", [{ path: "a" }, { path: "a/b" }], /"a" is a file and a folder/],
    ["a size that is not there", [{ path: "a", size: 9999 }], /ends within a file/],
    ["a size above the limit", [{ path: "a", size: 1e9 }], /more than 16777216 bytes/],
    [
      "too many files",
      Array.from({ length: 1001 }, (_, i) => ({ path: `f${i}` })),
      /one more than 1000 files/,
    ],
  ])("refuses %s", (_, given: readonly Entry[], message) => {
    expect(() => readTarball(tarOf(given), "x.tar")).toThrow(message);
  });

  test("refuses what unpacks to more than its limit, and what is no tar file", () => {
    expect(() => readTarball(gzipSync(Buffer.alloc(64 * 1024 * 1024)), "x.tgz")).toThrow(
      "cannot be unpacked",
    );
    expect(() => readTarball(Buffer.alloc(2048, 7), "x.tar")).toThrow("its checksum is wrong");
  });
});

describe("planInstall()", () => {
  test("finds a skill in an allowed folder, or where the command says", () => {
    expect(planInstall(command(), [sources])).toMatchObject({ skill: "weather", version: "1.0.0" });
    writeFileSync(join(sources, "w.tgz"), gzipSync(tarOf(entries("weather/"))));
    const source = `file://${join(sources, "w.tgz")}`;
    expect(planInstall(command({ source, version: "1.0.0" }), [sources]).content.size).toBe(3);
  });

  test("refuses what is not allowed, with a code and a reason", () => {
    const outside = join(dir, "elsewhere");
    mkdirSync(outside);
    symlinkSync(outside, join(sources, "linked"));
    const at = (path: string): string => `file://${path}`;
    expect(refusalOf(command(), [])).toMatch(/^not-allowed: this member may install nothing/);
    expect(refusalOf({ skill: "weather" })).toMatch(/^no-digest/);
    expect(refusalOf(command({ digest: `sha256:${"0".repeat(64)}` }))).toMatch(/^digest-differs/);
    expect(refusalOf(command({ source: "https://example.org/w.tgz" }))).toMatch(/^not-local/);
    expect(refusalOf(command({ source: at(outside) }))).toMatch(/^not-allowed/);
    expect(refusalOf(command({ source: at(join(sources, "linked")) }))).toMatch(/^not-allowed/);
    expect(refusalOf(command({ source: at(join(sources, "../elsewhere")) }))).toMatch(/^not-allowed/);
    expect(refusalOf(command({ source: at(join(sources, "none")) }))).toMatch(/^not-found/);
    expect(refusalOf(command({ source: at(sources) }))).toMatch(/^not-allowed/);
    expect(refusalOf(command({ skill: "../weather" }))).toMatch(/^bad-name/);
    expect(refusalOf(command({ version: "2.0.0" }))).toMatch(/^other-version/);
  });

  test("refuses a folder with a link, and one that is no skill", () => {
    const folder = write(SKILL, "linked");
    symlinkSync("/etc/passwd", join(folder, "x"));
    expect(refusalOf({ skill: "linked", digest: digestOf() })).toMatch(/^not-a-skill: .*"x" is a link/);
    write({ "skill.yaml": "name: broken\nversion: 1\nevents: {}\n" }, "broken");
    const digest = digestOf(readFolder(join(sources, "broken")));
    expect(refusalOf({ skill: "broken", digest })).toMatch(/^not-a-skill: .*skill.yaml:2:10/);
  });

  test("refuses a skill without its module, and one of too many folders", () => {
    const folder = write({ "skill.yaml": SKILL["skill.yaml"].replace("weather", "bare") }, "bare");
    const digest = digestOf(readFolder(folder));
    expect(refusalOf({ skill: "bare", digest })).toMatch(/^not-a-skill: .*has no index.mjs/);
    for (let i = 0; i <= 1000; i++) mkdirSync(join(folder, `d${i}`));
    expect(refusalOf({ skill: "bare", digest })).toMatch(/^not-a-skill: .*one more than 1000 folders/);
  });
});

describe("applyInstall()", () => {
  test("writes a version, keeps the one before, and removes those before that", () => {
    const files = new MemberSkillFiles(join(dir, "state"));
    expect(applyInstall(planInstall(command(), [sources]), files)).toMatchObject({ status: "installed" });
    expect(applyInstall(planInstall(command(), [sources]), files)).toMatchObject({ status: "unchanged" });
    for (const version of ["1.1.0", "1.2.0"]) {
      write({ "skill.yaml": SKILL["skill.yaml"].replace("1.0.0", version) }, "weather");
      expect(applyInstall(planInstall(command(), [sources]), files)).toMatchObject({
        status: "installed",
        version,
      });
    }
    const { folder = "" } = files.installed()["weather"] ?? {};
    expect(readdirSync(join(files.dir, "installed/weather")).length).toBe(2);
    expect(readFileSync(join(files.dir, folder, "skill.yaml"), "utf8")).toContain("1.2.0");
    expect(existsSync(join(files.dir, folder, "lib/a.mjs"))).toBe(true);
  });

  test("writes a version again whose folder has gone", () => {
    const files = new MemberSkillFiles(join(dir, "state"));
    applyInstall(planInstall(command(), [sources]), files);
    const { folder = "" } = files.installed()["weather"] ?? {};
    rmSync(join(files.dir, folder), { recursive: true });
    expect(applyInstall(planInstall(command(), [sources]), files)).toMatchObject({ status: "installed" });
    expect(existsSync(join(files.dir, folder, "lib/a.mjs"))).toBe(true);
  });
});
