import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HOME, leftovers } from "../kit/mesh.ts";

/** All that a stranger needs: the tarballs, an empty folder, Node, and a registry of third-party packages. */
const dir = mkdtempSync(join(tmpdir(), "adaos-package-"));
const tarballs = join(dir, "tarballs");
const home = join(dir, "home");
const { ADAOS_STATE: _state, ADAOS_MESH: _mesh, ...env } = process.env;

const runFile = promisify(execFile);

/** Runs a program of the stranger's folder. Rejects with what it said unless it ends with 0. */
async function run(command: string, ...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return await runFile(command, [...args], { cwd: home, env, timeout: 280_000, maxBuffer: 16 * 1024 * 1024 });
}

const inPackages = (...args: readonly string[]) => run("npx", "--no-install", ...args);

function manifestOf(folder: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(home, "node_modules", folder, "package.json"), "utf8"));
}

beforeAll(async () => {
  mkdirSync(home);
  execFileSync(process.execPath, [join(HOME, "scripts/pack.mjs"), tarballs], { stdio: "pipe" });
  const { devDependencies } = JSON.parse(readFileSync(join(HOME, "package.json"), "utf8"));
  const files = readdirSync(tarballs).map((file) => join(tarballs, file));
  const tools = ["typescript", "@types/node"].map((name) => `${name}@${devDependencies[name]}`);
  const flags = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error"];
  await run("npm", "install", ...flags, ...files, ...tools);
  await inPackages("adaos", "init");
  // A cold cache downloads 140 MB.
}, 300_000);

afterAll(async () => {
  await inPackages("adaos", "down").catch(() => undefined);
  rmSync(dir, { recursive: true, force: true });
});

describe("the packages, installed from their tarballs", () => {
  test("say what they are, and lead to no source", () => {
    const names = readdirSync(join(home, "node_modules/@adaos"));
    expect(names).toEqual(expect.arrayContaining(["cli", "client", "core"]));
    expect(names).not.toEqual(expect.arrayContaining(["bench"]));
    for (const name of names) {
      const manifest = manifestOf(`@adaos/${name}`);
      expect(manifest, name).toMatchObject({ license: "Apache-2.0", engines: { node: ">=20.19" } });
      expect(manifest, name).not.toHaveProperty("private");
      const files = readdirSync(join(home, "node_modules/@adaos", name));
      expect(files, name).toEqual(expect.arrayContaining(["LICENSE", "README.md", "dist"]));
      for (const entry of Object.values(manifest["exports"] as Record<string, object | string>)) {
        if (typeof entry === "string") continue;
        expect(Object.keys(entry), name).toEqual(["types", "default"]);
        for (const file of Object.values(entry))
          expect(() => readFileSync(join(home, "node_modules/@adaos", name, file)), name).not.toThrow();
      }
    }
  });

  test("begin a mesh, start it, carry a typed program's event across it, and stop it", async () => {
    const up = await inPackages("adaos", "up", "--detach", "--json");
    expect(JSON.parse(up.stdout)).toMatchObject({ mesh: "first", ready: true });
    const { supervisor, children } = JSON.parse(
      readFileSync(join(home, ".adaos/run/processes.json"), "utf8"),
    ) as { supervisor: { pid: number }; children: { pid: number }[] };

    await inPackages("tsc");
    expect((await run(process.execPath, "hello.mjs")).stdout).toBe("kitchen: 21.5 °C\n");

    const { url } = JSON.parse((await inPackages("adaos", "view", "--json")).stdout) as { url: string };
    const page = await (await fetch(url)).text();
    const [, script = ""] = /src="(\/assets\/[^"]+)"/.exec(page) ?? [];
    expect((await fetch(url + script)).headers.get("content-type")).toContain("javascript");

    expect(JSON.parse((await inPackages("adaos", "down", "--json")).stdout)).toMatchObject({ stopped: 10 });
    expect(await leftovers([supervisor.pid, ...children.map(({ pid }) => pid)], [])).toEqual([]);
  });

  test("refuse a program whose event breaks its contract before it runs", async () => {
    const wrong = readFileSync(join(home, "hello.mts"), "utf8").replace("celsius: 21.5", 'celsius: "warm"');
    writeFileSync(join(home, "wrong.mts"), wrong);
    const config = { extends: "./tsconfig.json", files: ["wrong.mts", "schemas/events/_dist/events.d.ts"] };
    writeFileSync(join(home, "wrong.json"), JSON.stringify(config));
    const failed = await inPackages("tsc", "-p", "wrong.json").catch((error: { stdout: string }) => error);
    expect(failed.stdout).toMatch(/wrong\.mts.*string.*number/);
  });

  test("make documents with what their pages need", async () => {
    await inPackages("adaos", "events", "docs", "build", "--output", "docs", "--site", "site");
    expect(readdirSync(join(home, "site"))).toEqual(expect.arrayContaining(["index.html"]));
  });
});
