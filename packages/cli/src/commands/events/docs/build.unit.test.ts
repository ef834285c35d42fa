import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { RICH, writeRegistry, writtenRegistry } from "../../../../../../test/kit/written-registry.ts";
import { main } from "../../../main.ts";
import { EXIT_CODES } from "../../../terminal/exit-codes.ts";

const MESH = fileURLToPath(new URL("../../../../../../deploy/mesh.yaml", import.meta.url));

afterEach(() => {
  vi.unstubAllEnvs();
  process.exitCode = 0;
});

/** Runs `adaos events docs build` on a registry, into a folder beside it. */
async function build(registry: string, ...args: readonly string[]) {
  vi.stubEnv("NO_COLOR", "1");
  process.exitCode = 0;
  let [out, said] = ["", ""];
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation((text) => {
      out += String(text);
      return true;
    }),
    vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      said += String(text);
      return true;
    }),
  ];
  const output = join(registry, "docs");
  const state = join(registry, "state");
  const asked = ["--registry", registry, "--output", output, "--state", state, ...args];
  const code = await main(["events", "docs", "build", ...asked]);
  for (const spy of spies) spy.mockRestore();
  process.exitCode = 0;
  return { code, out, said, output };
}

describe("adaos events docs build", () => {
  test("writes everything once, and then finds nothing to write", async () => {
    const dir = await writtenRegistry(RICH);
    const first = await build(dir, "--json");
    expect(first.code).toBe(0);
    const { files, written, removed } = JSON.parse(first.out) as {
      files: number;
      written: string[];
      removed: string[];
    };
    expect(written).toHaveLength(files);
    expect(removed).toEqual([]);
    expect(JSON.parse((await build(dir, "--json")).out)).toEqual({ files, written: [], removed: [] });
  });

  test("--check names what is stale, missing or of an event that is gone, and writes nothing", async () => {
    const dir = await writtenRegistry(RICH);
    const { output } = await build(dir);
    expect(await build(dir, "--check")).toMatchObject({ code: 0, out: "" });
    const page = join(output, "lab.place.seen.v1.md");
    const changed = `${await readFile(page, "utf8")}more`;
    await writeFile(page, changed);
    await writeRegistry(
      dir,
      RICH.filter(({ name }) => name !== "lab.door.close"),
    );
    const { code, out } = await build(dir, "--check");
    expect(code).toBe(EXIT_CODES["invalid-config"]);
    for (const name of ["lab.place.seen.v1.md", "lab.door.close.v1.md", "site/lab.door.close.v1.html"])
      expect(out).toMatch(new RegExp(`${name}\n`));
    expect(await readFile(page, "utf8")).toBe(changed);
    const { stale } = JSON.parse((await build(dir, "--check", "--json")).out) as { stale: string[] };
    expect(stale).toHaveLength(out.trim().split("\n").length);
  });

  test("removes its own files of events that are gone, and nobody else's", async () => {
    const dir = await writtenRegistry(RICH);
    const { output } = await build(dir);
    await writeFile(join(output, "notes.md"), "Mine.");
    await writeRegistry(
      dir,
      RICH.filter(({ name }) => name !== "lab.door.close"),
    );
    const { removed } = JSON.parse((await build(dir, "--json")).out) as { removed: string[] };
    expect(removed.map((file) => file.replace(/^.*\/docs\//, "")).sort()).toEqual([
      "lab.door.close.v1.md",
      "site/lab.door.close.v1.html",
    ]);
    expect(await readFile(join(output, "notes.md"), "utf8")).toBe("Mine.");
  });

  test("refuses to overwrite what it did not make, a link too, and writes nothing then", async () => {
    const dir = await writtenRegistry(RICH);
    const output = join(dir, "docs");
    await mkdir(output);
    await writeFile(join(output, "README.md"), "Mine.");
    await symlink(join(dir, "registry.yaml"), join(output, "asyncapi.yaml"));
    const { code, said } = await build(dir);
    expect(code).toBe(EXIT_CODES.usage);
    expect(said).toContain("README.md, ");
    expect(said).toContain("asyncapi.yaml would be overwritten");
    expect(await readFile(join(output, "README.md"), "utf8")).toBe("Mine.");
    await expect(readFile(join(output, "lab.place.seen.v1.md"))).rejects.toThrow("ENOENT");
  });

  test("goes into no folder that is somebody else's, and follows no link out of its own", async () => {
    const dir = await writtenRegistry(RICH);
    const output = join(dir, "docs");
    await mkdir(output);
    await writeFile(join(output, "notes.md"), "Mine.");
    for (const check of [[], ["--check"]]) {
      const { code, said } = await build(dir, ...check);
      expect([code, said]).toEqual([EXIT_CODES.usage, expect.stringContaining("docs holds files, and none")]);
    }
    expect(await readdir(output)).toEqual(["notes.md"]);
    await rm(join(output, "notes.md"));
    await build(dir);
    await rm(join(output, "commands"), { recursive: true });
    await mkdir(join(dir, "elsewhere"));
    await symlink(join(dir, "elsewhere"), join(output, "commands"));
    const { code, said } = await build(dir);
    expect([code, said]).toEqual([EXIT_CODES.usage, expect.stringContaining("commands is a link")]);
    expect(await readdir(join(dir, "elsewhere"))).toEqual([]);
  });

  test.runIf(process.platform === "linux")("ends where no folder can be made", async () => {
    const dir = await writtenRegistry(RICH);
    const { code, said } = await build(dir, "--output", "/proc/none");
    expect([code, said]).toEqual([EXIT_CODES.usage, expect.stringContaining("cannot be written")]);
  });

  test("shows every character of the registry, in values that stay what they are", async () => {
    const unseen = "a\u202eb\u007fc\u009bd\u{e0041}e";
    const dir = await writtenRegistry([
      {
        name: "lab.place.seen",
        schema: {
          description: unseen,
          type: "object",
          properties: { room: { enum: [unseen], description: unseen }, [`x${unseen}`]: {} },
        },
        examples: { bench: { room: unseen } },
        record: { summary: unseen },
      },
    ]);
    const { code, output } = await build(dir);
    expect(code).toBe(0);
    for (const entry of await readdir(output, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const text = await readFile(join(entry.parentPath, entry.name), "utf8");
      expect(text.match(/(?![\n\t])[\p{Cc}\p{Cf}]/u), entry.name).toBeNull();
    }
    const asyncApi = parse(await readFile(join(output, "asyncapi.yaml"), "utf8"));
    expect(JSON.stringify(asyncApi)).toContain(JSON.stringify(unseen).slice(1, -1));
  });

  test("tells the policy of the mesh file that is named, and of none with --no-policy", async () => {
    const dir = await writtenRegistry(RICH);
    const page = join(dir, "docs", "lab.place.seen.v1.md");
    await build(dir, "--config", MESH);
    expect(await readFile(page, "utf8")).toContain("| alpha | nobody | nobody | no | no |");
    await build(dir, "--config", MESH, "--no-policy");
    expect(await readFile(page, "utf8")).not.toContain("## Policy");
  });

  test("puts the site where --site says", async () => {
    const dir = await writtenRegistry(RICH);
    const { output } = await build(dir, "--site", join(dir, "web"));
    expect(await readFile(join(dir, "web", "index.html"), "utf8")).toContain("<h1>Events</h1>");
    expect(await readFile(join(output, "README.md"), "utf8")).toContain("(../web/index.html)");
  });

  test("refuses a folder that is a file", async () => {
    const dir = await writtenRegistry(RICH);
    const { code, said } = await build(dir, "--site", join(dir, "registry.yaml"));
    expect(code).toBe(EXIT_CODES.usage);
    expect(said).toContain("registry.yaml/index.html cannot be read");
  });

  test("refuses a registry that is not there", async () => {
    const { code, said } = await build("/nowhere");
    expect(code).toBe(EXIT_CODES["invalid-config"]);
    expect(said).toContain("no schema registry at /nowhere");
  });
});
