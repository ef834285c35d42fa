import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { meshErrorOf } from "../../../../test/kit/stand-ins.ts";
import { type MeshFile, readMeshFile } from "../mesh-file.ts";

const KEY = `U${"A".repeat(55)}`;
const OTHER_KEY = `U${"B".repeat(55)}`;

let dir: string;
let file: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-regions-"));
  file = join(dir, "mesh.yaml");
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

function read(regions: object, more: object = {}): MeshFile {
  writeFileSync(file, JSON.stringify({ mesh: "east", subnets: { cellar: {} }, regions, ...more }));
  return readMeshFile(file);
}

function problemOf(regions: object, more: object = {}): string {
  const { code, message } = meshErrorOf(() => read(regions, more));
  expect(code).toBe("invalid-config");
  return message.replaceAll(/\S*mesh\.yaml:\d+:\d+ /g, "");
}

describe("regions of a mesh file", () => {
  test("have the subnets, events and addresses that it names", () => {
    const { mesh, regions } = read({
      west: {
        url: ["tls://west-1.lan:4222", "tls://west-2.lan:4222"],
        key: KEY,
        tls: { ca: "west-ca.pem" },
        export: ["ui."],
        import: ["nlp."],
        subnets: { attic: { members: ["shelf"] }, loft: {} },
      },
      south: { url: "nats://127.0.0.1:4222", import: ["ui."], subnets: ["porch"] },
    });
    expect(mesh.regions?.get("west")).toMatchObject({ name: "west", tenant: "default", clearance: [] });
    expect([...(mesh.regions?.get("west")?.subnets ?? [])]).toEqual([
      ["attic", new Set(["shelf"])],
      ["loft", undefined],
    ]);
    expect([...(mesh.regions?.get("south")?.subnets.keys() ?? [])]).toEqual(["porch"]);
    expect(regions.get("west")).toEqual({
      urls: ["tls://west-1.lan:4222", "tls://west-2.lan:4222"],
      key: KEY,
      tls: { caFile: join(dir, "west-ca.pem") },
      allowPlain: undefined,
    });
  });

  test("leave a mesh without them as it is", () => {
    const { mesh, regions } = read({});
    expect([Object.hasOwn(mesh, "regions"), regions.size]).toEqual([false, 0]);
  });

  const there = { url: "nats://127.0.0.1:4222", key: KEY };

  test.each([
    ["the own name", { east: {} }, "regions.east: is the name of this mesh"],
    [
      "a subnet of this mesh",
      { west: { ...there, import: ["ui."], subnets: ["cellar"] } },
      "regions.west.subnets.0: cellar is a subnet of this mesh too; linked regions need different names, so rename one",
    ],
    [
      "a subnet of two regions",
      { west: { subnets: ["attic"] }, south: { subnets: { attic: {} } } },
      "regions.south.subnets.attic: attic is a subnet of the region west too; linked regions need different names, so rename one",
    ],
    [
      "a subnet named twice",
      { west: { subnets: ["attic", "attic"] } },
      "regions.west.subnets.1: attic is a subnet of the region west too; linked regions need different names, so rename one",
    ],
    [
      "one key for two regions",
      { west: { key: KEY }, south: { key: KEY } },
      "regions.south.key: is the key of west too; each region prints another one",
    ],
    [
      "an export without a key",
      { west: { export: ["ui."] } },
      "regions.west.export: needs key: what adaos region key prints on that region's machine",
    ],
    [
      "an import without an address",
      { west: { import: ["ui."], subnets: ["attic"] } },
      "regions.west.import: needs url: the servers of that region's root",
    ],
    [
      "an import without subnets",
      { west: { ...there, import: ["ui."] } },
      "regions.west.import: needs subnets: those of that region whose events come here",
    ],
    [
      "a plain connection beyond this machine",
      { west: { url: "nats://west.lan:4222" } },
      "regions.west.url: leaves this machine unencrypted; set tls, or allowPlain: true if other means protect it",
    ],
    [
      "tls without encryption",
      { west: { url: "nats://127.0.0.1:4222", tls: {} } },
      "regions.west.url: must be tls://host:port where tls is set",
    ],
    [
      "a seed for a key",
      { west: { key: `S${"A".repeat(57)}` } },
      "regions.west.key: must be the public key that adaos region key prints there: U and 55 characters",
    ],
    [
      "a root's server for a subnet",
      { west: { subnets: ["root"] } },
      "regions.west.subnets.0: root is the name of this root; that region must give its subnet another name",
    ],
  ])("refuse %s", (_, regions, problem) => {
    expect(problemOf(regions)).toContain(problem);
  });

  test("need servers", () => {
    expect(problemOf({ west: {} }, { transport: "local" })).toContain("regions.west: needs transport: nats");
  });

  test("take plain connections where the file says so, and other keys", () => {
    const region = { url: "nats://west.lan:4222", allowPlain: true, key: OTHER_KEY };
    expect(read({ west: region }).regions.get("west")?.allowPlain).toBe(true);
  });

  test("may be named by rules, as origins only", () => {
    const west = { ...there, import: ["ui."], subnets: ["attic"] };
    const rule = { id: "not-from-attic", deny: "import", events: "ui.secret", from: { subnet: "attic" } };
    expect(read({ west }, { policy: [rule] }).mesh.policy).toHaveLength(1);
    const wrong = { id: "attic", deny: "export", events: "ui.", subnet: "attic" };
    expect(problemOf({ west }, { policy: [wrong] })).toContain("the mesh has no subnet attic");
  });
});
