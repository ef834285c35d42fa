import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { EXIT_CODES } from "@adaos/cli/exit-codes";
import { main } from "@adaos/cli/main";
import { MeshError } from "@adaos/core";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { brokenUtf8, deepJson, hostileToken, tryHostile } from "../kit/hostile.ts";

const ADAOS = fileURLToPath(new URL("../../packages/cli/bin/adaos.mjs", import.meta.url));
/** What a terminal takes for a command: control characters but line ends and tabs. */
const COMMANDS = /(?![\n\t])\p{Cc}/u;

let state: string;
let said = "";
beforeAll(() => {
  state = mkdtempSync(join(tmpdir(), "adaos-hostile-"));
  process.stdout.setMaxListeners(0);
});
afterAll(() => rmSync(state, { recursive: true }));
beforeEach(() => {
  vi.stubEnv("ADAOS_STATE", state);
  vi.stubEnv("NO_COLOR", "1");
});
afterEach(() => {
  vi.unstubAllEnvs();
  process.stdout.removeAllListeners("error");
});

/** What a command line is refused with, by its exit code; nothing when it went well or ended as a bug of ours. */
async function refusalOf(
  codes: readonly number[],
  ...args: readonly string[]
): Promise<MeshError | undefined> {
  said = "";
  const out = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const err = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    said += String(text);
    return true;
  });
  const code = await main(args).finally(() => {
    out.mockRestore();
    err.mockRestore();
  });
  expect(said).not.toMatch(COMMANDS);
  return codes.includes(code) ? new MeshError("usage", said) : undefined;
}

const { usage, "invalid-event": invalid, "invalid-config": config, unavailable } = EXIT_CODES;
const PUBLISH = ["events", "publish", "ui.notify", "--as", "alpha/kitchen", "--data"] as const;
/** A word that is no option, and not so long that its repetition alone would be: it is the user's own. */
const word = hostileToken.filter((token) => !token.startsWith("-") && token.length < 1000);

describe("the command line", () => {
  test("publishes no event of a hostile name", async () => {
    await tryHostile("names of events to publish", word, async (token) => {
      const event = `ui.${token}.x`;
      const refusal = await refusalOf(
        [invalid],
        "events",
        "publish",
        event,
        "--as",
        "alpha/kitchen",
        "--data",
        "1",
      );
      expect(said).toMatch(/^error (event name|version in) "ui\./);
      return refusal;
    });
  });

  test("connects as no hostile member, and takes none for a path", async () => {
    await tryHostile("members to publish as", word, (token) =>
      refusalOf([usage], "events", "publish", "ui.notify", "--data", "1", "--as", `alpha/${token}`),
    );
  });

  test("looks at no hostile pattern, subnet or durable", async () => {
    const args = fc.oneof(
      word.map((token) => ["events", "tail", `ui.${token}.x`, "--at", "alpha"]),
      word.map((token) => [
        "events",
        "subscribe",
        "ui.",
        "--as",
        "alpha/desk",
        "--durable",
        "d",
        "--from",
        `a/${token}/b`,
      ]),
      word.map((token) => ["events", "replay", "ui.", "--at", "beta", "--to", `desk/${token}`]),
      word.map((token) => [
        "events",
        "replay",
        "--at",
        "b",
        "--to",
        "a/b",
        "--all",
        "--replay-id",
        `${token} `,
      ]),
      word.map((token) => ["node", `hub${token}!`, "--config", "x"]),
    );
    await tryHostile("patterns, durables and roles", args, (words) =>
      refusalOf([usage, unavailable], ...words),
    );
  });

  test("takes no data that is not JSON of one meaning", async () => {
    const key = fc.string({ unit: "binary" }).map((text) => JSON.stringify(text));
    const data = fc.oneof(
      key.map((name) => `{${name}:1,${name}:2}`),
      key.map((name) => `[{"a":{${name}:[], ${name} :{}}}]`),
      deepJson.map((json) => json.slice(0, 20_000)).filter((json) => json.length === 20_000),
      fc.string({ unit: "binary" }).filter((text) => !isJson(text) && !/^[@-]/.test(text)),
      fc.constantFrom("NaN", "Infinity", "undefined", "01", "1e", "'a'", "{a:1}", "[1,]", "\ufeff1", "{}{}"),
    );
    await tryHostile("data that is no JSON", data, async (json) => {
      const refusal = await refusalOf([invalid], ...PUBLISH, json);
      expect(said).toMatch(/--data (is not JSON|has the key)/);
      return refusal;
    });
  });

  test("takes no file of data that is not UTF-8, has no end or is none", async () => {
    const file = join(state, "data.json");
    await tryHostile("files that are no UTF-8", brokenUtf8, (bytes) => {
      writeFileSync(file, Uint8Array.from([0x22, ...bytes, 0x22]));
      return refusalOf([usage], ...PUBLISH, `@${file}`);
    });
    const loop = join(state, "loop");
    symlinkSync("loop", loop);
    for (const path of ["/dev/zero", "/proc/self/mem", state, loop, "", "\0", join(state, "none")]) {
      expect(await refusalOf([usage, invalid], ...PUBLISH, `@${path}`), path).toBeDefined();
    }
    rmSync(loop);
  });

  test("starts no mesh by a file that is hostile", async () => {
    const file = join(state, "mesh.yaml");
    const text = fc.oneof(
      word.map((token) => `mesh: m\nsubnets:\n  ${JSON.stringify(token)}: {}\n`),
      word.map((token) => `mesh: m\nsubnets:\n  a: { members: { ${JSON.stringify(token)}: {} } }\n`),
      fc.integer({ min: 101, max: 20_000 }).map((depth) => `mesh: ${"[".repeat(depth)}`),
    );
    await tryHostile("files of a mesh", text, async (yaml) => {
      writeFileSync(file, yaml);
      const refusal = await refusalOf([config], "up", "--detach", "--config", file);
      expect(said).toMatch(/mesh\.yaml:\d+:\d+ /);
      return refusal;
    });
  });

  test.each<[what: string, code: number, args: readonly string[], told: RegExp]>([
    [
      "a name with a line feed",
      invalid,
      ["events", "publish", "ui.a\nb", "--as", "a/b", "--data", "1"],
      /ui\.a\\nb/,
    ],
    [
      "a path for a member",
      usage,
      ["events", "publish", "ui.notify", "--data", "1", "--as", "../../etc"],
      /\.\.\/\.\./,
    ],
    ["a key twice", invalid, [...PUBLISH, '{"a":1,"a":2}'], /"a" twice/],
    ["a file without end", invalid, [...PUBLISH, "@/dev/zero"], /more than 1048576 bytes/],
    ["deep JSON without end", invalid, [...PUBLISH, "[".repeat(100_000)], /not JSON/],
  ])("ends well as a process of its own, given %s", async (_, code, args, told) => {
    const ended = await new Promise<{ code: unknown; signal: unknown; stderr: string }>((resolve) => {
      execFile(
        process.execPath,
        [ADAOS, ...args],
        { env: { ...process.env, ADAOS_STATE: state } },
        (error, _out, stderr) =>
          resolve({ code: error?.code ?? 0, signal: error?.signal ?? undefined, stderr }),
      );
    });
    expect(ended).toMatchObject({ code, signal: undefined });
    expect(ended.stderr).toMatch(told);
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
