import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { readMeshFile, readNodeFile } from "@adaos/config";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findLayout, type Layout, meshFileIn } from "./layout.ts";
import { partsOf, writePart } from "./parts.ts";
import { provision } from "./provision.ts";

const MESH = [
  "mesh: demo",
  "registry: events",
  "tls: { development: true, verify: true }",
  "root: { host: 0.0.0.0, dial: root-server, daemons: 2 }",
  "subnets:",
  "  alpha:",
  "    dial: alpha-server",
  "    export: [ui.]",
  "    signatures: { sign: k1 }",
  "    members: { kitchen: { publish: [ui.] }, speaker: { publish: [ui.] } }",
  "  far: { remote: true }",
];

let dir: string;
let state: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-parts-"));
  state = join(dir, "state");
  mkdirSync(join(dir, "events"));
  writeFileSync(join(dir, "events/registry.yaml"), "[]\n");
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Provisions, and writes each part; the changed files by part. */
async function write(lines: readonly string[] = MESH): Promise<Record<string, string[]>> {
  const file = join(dir, "mesh.yaml");
  writeFileSync(file, lines.join("\n"));
  const layout = await provision(readMeshFile(file), state, "kept");
  const parts = partsOf(layout, state);
  return Object.fromEntries(parts.map((part) => [part.id, writePart(part, state, join(dir, part.id))]));
}

function filesIn(folder: string): string[] {
  return readdirSync(join(dir, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(join(dir, folder, name)).isFile())
    .sort();
}

describe("partsOf() and writePart()", () => {
  test("give a member its own node file and keys, and no other's", async () => {
    await write();
    expect(filesIn("alpha/kitchen")).toEqual([
      "keys/alpha/members/kitchen.nk",
      "keys/alpha/signatures/k1.key",
      "keys/tls/ca.pem",
      "keys/tls/nodes/alpha/kitchen.key",
      "keys/tls/nodes/alpha/kitchen.pem",
      "mesh.json",
      "mesh.json.last-good",
      "nodes/alpha/kitchen.json",
      "registry/proven.json",
    ]);
  });

  test("give a hub its server's config and keys, without its members' seeds and the key of the CA", async () => {
    await write();
    const files = filesIn("alpha/hub");
    expect(files).toContain("servers/alpha.conf");
    expect(files).toContain("keys/alpha/leaf.conf");
    expect(files).toContain("keys/tls/servers/alpha.key");
    expect(files.filter((file) => /members|ca\.key|root\//.test(file))).toEqual([]);
  });

  test("put all root daemons into one part, with the registry in force", async () => {
    const parts = await write();
    expect(Object.keys(parts)).toEqual(["root", "alpha/hub", "alpha/kitchen", "alpha/speaker"]);
    expect(filesIn("root").filter((file) => file.startsWith("nodes/"))).toEqual([
      "nodes/root-2.json",
      "nodes/root.json",
    ]);
    expect(filesIn("root").filter((file) => file.startsWith("keys/alpha"))).toEqual([
      "keys/alpha/signatures/k1.key",
    ]);
  });

  test("give each server of a cluster a part of its own, with the daemon beside it", async () => {
    const three = (host: string, more = ""): string =>
      `[${[1, 2, 3].map((i) => `{ host: ${host}-${i}.lan, port: 42${i}0, clusterPort: 62${i}0${more} }`).join(", ")}]`;
    const parts = await write([
      "mesh: demo",
      "registry: events",
      "tls: development",
      `root: { servers: ${three("root", ", leafPort: 7422")}, daemons: 4 }`,
      "subnets:",
      `  alpha: { servers: ${three("alpha")}, members: { kitchen: {} } }`,
    ]);
    const roots = ["root", "root-2", "root-3"];
    const hubs = ["alpha/hub", "alpha/hub-2", "alpha/hub-3"];
    expect(Object.keys(parts)).toEqual([...roots, ...hubs, "alpha/kitchen"]);
    const at = (id: string) => findLayout(join(dir, id));
    expect(roots.map((id) => at(id)?.nodes.map((node) => node.id))).toEqual([
      ["root", "root-4"],
      ["root-2"],
      ["root-3"],
    ]);
    expect(hubs.map((id) => at(id)?.nodes.map((node) => node.id))).toEqual(hubs.map((id) => [id]));
    expect(at("alpha/hub-2")?.servers).toMatchObject([
      {
        name: "nats-alpha-2",
        url: expect.stringContaining("alpha-2.lan"),
        others: [expect.stringContaining("alpha-1.lan"), expect.stringContaining("alpha-3.lan")],
      },
    ]);
    expect(at("alpha/hub-2")?.servers[0]?.fellows).toBeUndefined();
    expect(filesIn("alpha/hub-2").filter((file) => file.startsWith("servers/"))).toEqual([
      "servers/alpha-2.conf",
    ]);
    expect(filesIn("root-3").filter((file) => /^(servers|nodes)/.test(file))).toEqual([
      "nodes/root-3.json",
      "servers/root-3.conf",
    ]);
    // The config of each server is complete: every file that it names is in its part.
    for (const id of [...roots, ...hubs]) {
      const [server] = at(id)?.servers ?? [];
      const text = readFileSync(server?.configFile ?? "", "utf8");
      const named = [...text.matchAll(/"([^"]*keys\/[^"]*)"/g)].map(([, path = ""]) => path);
      expect(named.length).toBeGreaterThan(3);
      for (const path of named) {
        const file = relative(state, resolve(state, "servers", path));
        expect(filesIn(id)).toContain(file);
      }
    }
  });

  test.each(["keys", "nodes", "servers", "logs", "registry", "nodes/alpha"])(
    "follow no link that a part's container has made of %s",
    async (name) => {
      await write();
      const link = join(dir, "alpha/kitchen", name);
      rmSync(link, { recursive: true, force: true });
      symlinkSync(join(dir, "alpha/hub/keys"), link);
      const before = filesIn("alpha/hub");
      await expect(write()).rejects.toThrow(/is a link, and a part has none/);
      expect(filesIn("alpha/hub")).toEqual(before);
    },
  );

  test("remove nothing from a folder that was no part", async () => {
    const file = join(dir, "alpha/kitchen/keys/mine.txt");
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, "mine");
    await write();
    expect(readFileSync(file, "utf8")).toBe("mine");
  });

  test("leave only the owner able to read", async () => {
    await write();
    for (const file of filesIn("alpha/kitchen"))
      expect(statSync(join(dir, "alpha/kitchen", file)).mode & 0o077).toBe(0);
  });

  test("write a layout by which commands know what runs elsewhere", async () => {
    await write();
    expect(findLayout(join(dir, "alpha/hub"))).toMatchObject({
      joinedTo: "root-server",
      remote: ["far"],
      servers: [{ of: "alpha" }],
      nodes: [{ id: "alpha/hub" }],
    });
    expect(findLayout(join(dir, "root"))).toMatchObject({
      remote: ["far", "alpha"],
      servers: [{ of: "root" }],
    });
    expect(findLayout(join(dir, "root"))?.configFile).toBeUndefined();
    const root = findLayout(join(dir, "root"));
    expect(root?.part).toBe("root");
    expect(() => meshFileIn(root as Layout)).toThrow("this folder is the part root of the mesh demo");
  });

  test("dial servers by their names, which their certificates have", async () => {
    await write();
    const { config } = readNodeFile(join(state, "nodes/alpha/hub.json"), "hub");
    expect(config.server.url).toMatch(/^tls:\/\/alpha-server:\d+$/);
    expect(config.natsServer.rootUrl).toMatch(/^tls:\/\/root-server:\d+$/);
  });

  test("leave logs to the output, and say so in each layout", async () => {
    await write([...MESH, "logs: output"]);
    for (const [part, conf] of [
      ["root", "root"],
      ["alpha/hub", "alpha"],
    ]) {
      expect(findLayout(join(dir, part ?? ""))?.logs).toBe("output");
      expect(readFileSync(join(dir, part ?? "", `servers/${conf}.conf`), "utf8")).not.toContain("log_file");
    }
    expect(readNodeFile(join(state, "nodes/alpha/kitchen.json"), "member").config.log.file).toBeUndefined();
    await write();
    expect(findLayout(join(dir, "root"))?.logs).toBeUndefined();
    expect(readFileSync(join(state, "servers/root.conf"), "utf8")).toContain("log_file");
  });

  test("change nothing when repeated", async () => {
    await write();
    expect(Object.values(await write()).flat()).toEqual([]);
  });

  test("keep the grants that a hub has written, until its node file changes", async () => {
    await write();
    const granted = join(dir, "alpha/hub/servers/alpha.conf");
    writeFileSync(granted, `${readFileSync(granted, "utf8")}\n# granted`);
    expect((await write())["alpha/hub"]).toEqual([]);
    expect(readFileSync(granted, "utf8")).toContain("# granted");
    const changed = await write([...MESH, "policy: [{ id: no, deny: publish, events: ui., subnet: alpha }]"]);
    expect(changed["alpha/hub"]).toContain("servers/alpha.conf");
    expect(changed["alpha/kitchen"]).toEqual(["nodes/alpha/kitchen.json"]);
  });

  test("keep the grants of a hub when only a neighbour in its folder has changed", async () => {
    const file = join(dir, "mesh.yaml");
    const writeBoth = async (kitchen: string): Promise<void> => {
      writeFileSync(
        file,
        ["mesh: demo", "registry: events", `subnets: { alpha: { members: { kitchen: ${kitchen} } } }`].join(
          "\n",
        ),
      );
      const layout = await provision(readMeshFile(file), state, "kept");
      for (const part of partsOf(layout, state, [["alpha/hub", "alpha/kitchen"]]))
        writePart(part, state, join(dir, part.id));
    };
    await writeBoth("{}");
    const config = join(dir, "alpha/hub/servers/alpha.conf");
    writeFileSync(config, `${readFileSync(config, "utf8")}\n# granted\n`);
    const node = readFileSync(join(dir, "alpha/hub/nodes/alpha/kitchen.json"), "utf8");
    await writeBoth("{ skills: [sk] }");
    if (readFileSync(join(dir, "alpha/hub/nodes/alpha/kitchen.json"), "utf8") === node)
      throw new Error("nothing changed");
    expect(readFileSync(config, "utf8")).toContain("# granted");
  });

  test("keep the registry that the root has put in force, and a daemon's copies and data", async () => {
    await write();
    const kept = ["nodes/alpha/kitchen.json.last-good", "nodes/alpha/kitchen.json.0a.new", "outbox/one"];
    const place = (file: string): string => join(dir, "alpha/kitchen", file);
    for (const file of kept.slice(0, 2)) writeFileSync(place(file), "");
    await write();
    for (const file of kept.slice(0, 2)) expect(existsSync(place(file))).toBe(true);
  });

  test("remove a key that a part no longer needs", async () => {
    await write();
    await write(MESH.filter((line) => !line.includes("signatures")));
    expect(filesIn("alpha/kitchen").filter((file) => file.includes("signatures"))).toEqual([]);
  });

  test("refuse the folder of another part", async () => {
    await write();
    const [root, hub] = partsOf(findLayout(state) ?? expect.fail("no layout"), state);
    expect(root?.id).toBe("root");
    if (hub === undefined) expect.fail("no hub");
    expect(() => writePart(hub, state, join(dir, "root"))).toThrow(
      `${join(dir, "root")} holds root of the mesh demo, not alpha/hub of demo; name another folder`,
    );
  });

  test("name a file that is missing", async () => {
    await write();
    rmSync(join(state, "keys/alpha/members/kitchen.nk"));
    expect(() => partsOf(findLayout(state) ?? expect.fail("no layout"), state)).toThrow(
      /kitchen\.nk is missing; put it there, or run adaos provision again/,
    );
  });
});
