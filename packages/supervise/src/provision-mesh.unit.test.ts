import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findLayout, writeLayout } from "@adaos/provision";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { recordOf, writeProcessTable } from "./processes/process-table.ts";
import { type Provisioned, type ProvisionOptions, provisionMesh } from "./provision-mesh.ts";

let dir: string;
let state: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-provision-mesh-"));
  state = join(dir, "state");
  mkdirSync(join(dir, "events"));
  writeFileSync(join(dir, "events/registry.yaml"), "[]\n");
});
afterEach(() => rmSync(dir, { recursive: true }));

const KITCHEN = "subnets: { alpha: { members: { kitchen: {} } } }";
const SPEAKER = "subnets: { alpha: { members: { speaker: {} } } }";

async function run(lines: readonly string[], options: Partial<ProvisionOptions> = {}): Promise<Provisioned> {
  const file = join(dir, "mesh.yaml");
  writeFileSync(file, ["mesh: demo", "registry: events", ...lines].join("\n"));
  return await provisionMesh(file, { stateDir: state, dryRun: false, ...options });
}

describe("provisionMesh()", () => {
  test("tells what is new, kept, removed and changed, and changes nothing when repeated", async () => {
    const first = await run([KITCHEN]);
    expect(first).toMatchObject({
      nodes: ["root", "alpha/hub", "alpha/kitchen"],
      added: ["root", "alpha/hub", "alpha/kitchen"],
      removed: [],
    });
    expect(first.changed).toContain("servers/alpha.conf");
    expect(await run([KITCHEN])).toMatchObject({ added: [], removed: [], changed: [] });
    const last = await run([SPEAKER]);
    expect(last).toMatchObject({ added: ["alpha/speaker"], removed: ["alpha/kitchen"] });
    expect(last.changed).toEqual(
      expect.arrayContaining(["nodes/alpha/kitchen.json", "nodes/alpha/speaker.json", "servers/alpha.conf"]),
    );
    expect(last.changed.filter((file) => file.startsWith("keys/root"))).toEqual([]);
  });

  test("writes nothing in a dry run, and names the parts that it would", async () => {
    const parts = join(dir, "parts");
    const told = await run([KITCHEN], { dryRun: true, partsDir: parts });
    expect(told.parts.map((part) => part.dir)).toEqual([
      join(parts, "root"),
      join(parts, "alpha/hub"),
      join(parts, "alpha/kitchen"),
    ]);
    expect([existsSync(state), existsSync(parts)]).toEqual([false, false]);
  });

  test.each([true, false])("puts parts of one machine together (dry run: %s)", async (dryRun) => {
    const partsDir = join(dir, "parts");
    const together = [["alpha/hub", "root"]];
    const told = await run([KITCHEN], { dryRun, partsDir, together });
    expect(told.parts.map(({ id, nodes }) => [id, [...nodes].sort()])).toEqual([
      ["alpha/hub", ["alpha/hub", "root"]],
      ["alpha/kitchen", ["alpha/kitchen"]],
    ]);
    if (dryRun) return;
    const layout = findLayout(join(partsDir, "alpha/hub"));
    expect(layout?.servers.map(({ of }) => of).sort()).toEqual(["alpha", "root"]);
    for (const file of ["servers/alpha.conf", "servers/root.conf", "nodes/root.json", "nodes/alpha/hub.json"])
      expect(existsSync(join(partsDir, "alpha/hub", file))).toBe(true);
    expect(existsSync(join(partsDir, "root"))).toBe(false);
  });

  test.each([
    [
      [["root", "alpha/desk"]],
      /part "alpha\/desk" of --together does not exist; the parts are root, alpha\/hub/,
    ],
    [
      [
        ["root", "alpha/hub"],
        ["alpha/kitchen", "root"],
      ],
      /part "root" of --together is named twice/,
    ],
    [[["root", ""]], /part "" of --together does not exist/],
  ])("refuses to put %j together", async (together, message) => {
    for (const dryRun of [true, false]) {
      const running = run([KITCHEN], { dryRun, partsDir: join(dir, "parts"), together });
      await expect(running).rejects.toMatchObject({ code: "usage", message: expect.stringMatching(message) });
      expect(existsSync(state)).toBe(false);
    }
  });

  test("never writes a part over the state folder, whatever the folders are called", async () => {
    for (const dryRun of [true, false]) {
      const partsDir = join(dir, "p");
      writeFileSync(join(dir, "mesh.yaml"), ["mesh: demo", "registry: events", KITCHEN].join("\n"));
      const asPart = provisionMesh(join(dir, "mesh.yaml"), {
        stateDir: join(partsDir, "root"),
        partsDir,
        dryRun,
      });
      await expect(asPart).rejects.toMatchObject({
        code: "usage",
        message: expect.stringContaining("p/root"),
      });
      expect(existsSync(join(partsDir, "root"))).toBe(false);
    }
  });

  test("refuses to put a part together with others while it has a folder with keys of its own", async () => {
    const partsDir = join(dir, "parts");
    await run([KITCHEN], { partsDir });
    const again = run([KITCHEN], { partsDir, together: [["root", "alpha/hub"]] });
    await expect(again).rejects.toThrow(
      /parts\/alpha\/hub holds alpha\/hub as a part of its own, and root shall/,
    );
    rmSync(join(partsDir, "alpha/hub"), { recursive: true });
    await run([KITCHEN], { partsDir, together: [["root", "alpha/hub"]] });
  });

  test("names the same daemons of a part in a dry run as afterwards", async () => {
    const partsDir = join(dir, "parts");
    const nodesOf = async (dryRun: boolean): Promise<unknown> =>
      (await run(["root: { daemons: 2 }", KITCHEN], { dryRun, partsDir })).parts.map(({ nodes }) => nodes);
    expect(await nodesOf(true)).toEqual([["root", "root-2"], ["alpha/hub"], ["alpha/kitchen"]]);
    expect(await nodesOf(false)).toEqual(await nodesOf(true));
  });

  test("refuses a mesh file with a fault, in a dry run too", async () => {
    for (const dryRun of [true, false]) {
      const running = run(["subnets: { alpha: { dial: elsewhere } }"], { dryRun });
      await expect(running).rejects.toMatchObject({ code: "invalid-config" });
    }
    expect(existsSync(join(state, "keys"))).toBe(false);
  });

  test.each([".", "keys", "keys/parts", "nodes", "servers", "run", "store"])(
    "refuses to write parts into %s of the state folder",
    async (folder) => {
      const running = run([KITCHEN], { partsDir: join(state, folder) });
      await expect(running).rejects.toMatchObject({
        code: "usage",
        message: expect.stringContaining("--parts"),
      });
      expect(existsSync(state)).toBe(false);
    },
  );

  test("refuses a folder that has joined another machine's mesh, which a part is too", async () => {
    const parts = join(dir, "parts");
    await run([KITCHEN], { partsDir: parts });
    state = join(parts, "alpha/kitchen");
    const before = readdirSync(state, { recursive: true });
    await expect(run([KITCHEN])).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(/has joined the mesh of .*; provision the mesh there/),
    });
    expect(readdirSync(state, { recursive: true })).toEqual(before);
  });

  test("refuses a folder from which the mesh runs", async () => {
    await run([KITCHEN]);
    writeProcessTable(state, { supervisor: recordOf("supervisor", process.pid), children: [] });
    await expect(run([SPEAKER])).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining("adaos policy apply"),
    });
  });

  test("refuses a part's folder that has another part, and keeps that", async () => {
    const parts = join(dir, "parts");
    await run([KITCHEN], { partsDir: parts });
    const kitchen = join(parts, "alpha/kitchen");
    const layout = findLayout(join(parts, "root"));
    if (layout === undefined) throw new Error("there is no root's layout");
    writeLayout(kitchen, layout);
    const node = readFileSync(join(kitchen, "nodes/alpha/kitchen.json"), "utf8");
    await expect(run([KITCHEN], { partsDir: parts })).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(
        /holds root of the mesh demo, not alpha\/kitchen of demo; name another folder/,
      ),
    });
    expect(readFileSync(join(kitchen, "nodes/alpha/kitchen.json"), "utf8")).toBe(node);
  });
});
