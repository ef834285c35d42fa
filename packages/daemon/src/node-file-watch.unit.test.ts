import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type MemberFile, type NodeFileInput, nodeFileDigest, readNodeFile } from "@adaos/config";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../../test/kit/mesh.ts";
import { RecordingLog } from "../../../test/kit/stand-ins.ts";
import { NodeFileWatch } from "./node-file-watch.ts";

const GOOD: NodeFileInput = {
  role: "member",
  mesh: "m",
  server: { url: "nats://127.0.0.1:4222", seedFile: "k.nk" },
  subnet: "alpha",
  node: "kitchen",
  registry: "../events",
  policy: [
    {
      verb: "publish",
      subnet: "alpha",
      node: "kitchen",
      rules: [["allow", "ui.", "alpha.kitchen.publish[0]"]],
    },
  ],
};
const TEXT = JSON.stringify(GOOD, undefined, 2);

let dir: string;
let file: string;
let log: RecordingLog;
let applied: MemberFile[];
let watch: NodeFileWatch<"member">;
/** Lets the node refuse a new version by throwing; otherwise it accepts. */
let refuse: () => void;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "adaos-watch-"));
  file = join(dir, "node.json");
  log = new RecordingLog();
  applied = [];
  refuse = () => undefined;
  write(TEXT);
  watch = new NodeFileWatch({
    role: "member",
    loaded: readNodeFile(file, "member"),
    isInForce: true,
    apply: (config) => {
      refuse();
      applied.push(config);
    },
    log,
    lookMs: 2,
  });
  await watch.start();
});
afterEach(async () => {
  await watch.stop();
  rmSync(dir, { recursive: true });
});

/** Writes the file as a whole, so that no state between two texts is visible. */
function write(text: string | Uint8Array): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

const withRule = (pattern: string): string => TEXT.replace('"ui."', JSON.stringify(pattern));
const digestNow = (): unknown => watch.health().details?.["digest"];

describe("NodeFileWatch", () => {
  test("applies a new version, and tells which one is in force", async () => {
    expect(watch.health()).toEqual({ ready: true, details: { digest: nodeFileDigest(TEXT) } });
    write(withRule("nlp."));
    await until("it is applied", () => digestNow() === nodeFileDigest(withRule("nlp.")));
    expect(applied.map(({ policy }) => policy[0]?.pattern.text)).toEqual(["nlp."]);
    expect(watch.health().ready).toBe(true);
  });

  test("does nothing when the same version is written again", async () => {
    write(TEXT);
    write(withRule("nlp."));
    await until("it is applied", () => applied.length > 0);
    expect(applied).toHaveLength(1);
  });

  test("tries again what cannot be applied yet, and says so meanwhile", async () => {
    let tries = 0;
    refuse = () => {
      tries++;
      throw new Error("the server is away");
    };
    write(withRule("nlp."));
    await until("it has been tried again", () => tries >= 3);
    expect(watch.health()).toMatchObject({
      ready: false,
      reason: expect.stringContaining("not in force yet: the server is away"),
    });
    refuse = () => undefined;
    await until("it is applied", () => watch.health().ready);
    expect(applied).toHaveLength(1);
  });

  test("takes the newest of two versions that come while one cannot be applied", async () => {
    refuse = () => {
      throw new Error("not yet");
    };
    write(withRule("a."));
    await until("it has been tried", () => !watch.health().ready);
    write(withRule("b."));
    refuse = () => undefined;
    await until("the newest is in force", () => digestNow() === nodeFileDigest(withRule("b.")));
    expect(applied.at(-1)?.policy[0]?.pattern.text).toBe("b.");
  });

  test("follows nothing when it has been stopped", async () => {
    await watch.stop();
    write(withRule("nlp."));
    const settled = new Promise((resolve) => setImmediate(resolve));
    await settled;
    expect(applied).toEqual([]);
  });

  test("applies what has come while the node was still starting", async () => {
    const loaded = readNodeFile(file, "member");
    write(withRule("nlp."));
    const taken: MemberFile[] = [];
    const late = new NodeFileWatch({
      role: "member",
      loaded,
      isInForce: true,
      apply: (config) => void taken.push(config),
      log,
    });
    await late.start();
    await until(
      "it is in force",
      () => late.health().details?.["digest"] === nodeFileDigest(withRule("nlp.")),
    );
    await late.stop();
    expect(taken).toHaveLength(1);
  });

  test("applies what it begins with when that is not in force by itself", async () => {
    const taken: MemberFile[] = [];
    const loaded = readNodeFile(file, "member");
    const first = new NodeFileWatch({
      role: "member",
      loaded,
      isInForce: false,
      apply: (config) => void taken.push(config),
      log,
    });
    expect(first.health().ready).toBe(false);
    await first.start();
    await until("it is in force", () => first.health().ready);
    await first.stop();
    expect(taken).toEqual([loaded.config]);
  });

  test("a version that was begun and failed is undone when the one before comes back, or when it breaks", async () => {
    for (const next of [TEXT, "{"]) {
      refuse = () => {
        throw new Error("half of it is done");
      };
      write(withRule("nlp."));
      await until("it has been tried", () => watch.health().reason?.includes("not in force yet") === true);
      expect(digestNow()).toBeUndefined();
      applied.length = 0;
      refuse = () => undefined;
      write(next);
      await until("the last good one is in force again", () => digestNow() === nodeFileDigest(TEXT));
      expect(applied.at(-1)?.policy[0]?.pattern.text).toBe("ui.");
      write(TEXT);
      await until("it is mended", () => watch.health().ready);
    }
  });

  const rule = (text: string): string => TEXT.replace('"allow",', text);
  /** Chosen by hand: the damage that people and half-written files do to a config. */
  const BROKEN: readonly (readonly [what: string, text: string | Uint8Array])[] = [
    ["nothing in it", ""],
    ["a space", " "],
    ["half of it", TEXT.slice(0, TEXT.length / 2)],
    ["no last brace", TEXT.trimEnd().slice(0, -1)],
    ["two of it", TEXT + TEXT],
    ["a list", "[]"],
    ["a number", "7"],
    ["null", "null"],
    ["NUL bytes", "\0".repeat(64)],
    ["bytes that are no text", new Uint8Array([0xff, 0xfe, 0x00, 0x80])],
    ["another role", TEXT.replace('"member"', '"hub"')],
    ["no role", TEXT.replace('"role": "member",', "")],
    ["a role that is none", TEXT.replace('"member"', '"boss"')],
    ["an unknown key", TEXT.replace('"mesh": "m"', '"mesh": "m", "mash": 1')],
    ["one key twice", TEXT.replace('"mesh": "m"', '"mesh": "m", "mesh": "n"')],
    ["__proto__", TEXT.replace('"mesh": "m"', '"mesh": "m", "__proto__": {}')],
    ["a pattern that is none", withRule("ui")],
    ["a pattern with a wildcard", withRule("ui.>")],
    ["an effect that is none", rule('"perhaps",')],
    ["a rule without effect", rule("")],
    ["a verb that is none", TEXT.replace('"publish"', '"shout"')],
    ["rules as text", TEXT.replace(/"policy": [\s\S]*\n {2}\]/, '"policy": "all"')],
    ["no policy", TEXT.replace(/,\s*"policy": [\s\S]*\n {2}\]/, "")],
    ["a password in the address", TEXT.replace("nats://", "nats://u:p@")],
    ["a tag of YAML", TEXT.replace('"m"', "!!js/function x")],
    ["aliases without end", `a: &a [x]\nb: &b [${"*a, ".repeat(200)}*a]`],
  ];

  test("keeps the last good version whatever stands there, says what is wrong, and goes on when it is mended", async () => {
    for (const [what, text] of BROKEN) {
      const errors = log.lines.length;
      write(text);
      await until(what, () => !watch.health().ready);
      expect([what, watch.health().reason]).toEqual([
        what,
        expect.stringContaining("is broken, the last good version"),
      ]);
      expect([what, digestNow(), applied.length]).toEqual([what, nodeFileDigest(TEXT), 0]);
      expect(log.lines.length).toBeGreaterThan(errors);
      write(TEXT);
      await until(`${what}, mended`, () => watch.health().ready);
    }
    process.stdout.write(`${BROKEN.length} broken files, none applied\n`);
  }, 60_000);

  test("200 files with some bytes changed: each is applied as a whole or not at all", async () => {
    const change = fc.record({
      at: fc.nat(TEXT.length - 1),
      count: fc.integer({ min: 0, max: 40 }),
      insert: fc.oneof(
        fc.string({ maxLength: 8 }),
        fc.constantFrom('"', "{", "}", "[", ",", ":", "\n", "\t- ", "*"),
      ),
    });
    let broken = 0;
    await fc.assert(
      fc.asyncProperty(change, async ({ at, count, insert }) => {
        const text = TEXT.slice(0, at) + insert + TEXT.slice(at + count);
        const before = applied.length;
        write(text);
        await until("it is decided", () => !watch.health().ready || digestNow() === nodeFileDigest(text));
        if (!watch.health().ready) {
          broken++;
          expect(applied.length).toBe(before);
        }
        write(TEXT);
        await until("it is mended", () => watch.health().ready && digestNow() === nodeFileDigest(TEXT));
      }),
      { numRuns: 200 },
    );
    process.stdout.write(`200 changed files, ${broken} broken, none of these applied\n`);
    expect(readFileSync(file, "utf8")).toBe(TEXT);
  }, 240_000);
});
