import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { meshErrorOf } from "../../../test/kit/stand-ins.ts";
import { findLayout, type Layout, readLayout, restoreLayout, serverOf, writeLayout } from "./layout.ts";

const server = (of: string): Layout["servers"][number] => ({
  name: `nats-${of}`,
  of,
  url: "nats://127.0.0.1:1",
  systemSeedFile: "/s",
  configFile: "c",
  seedFile: "s",
  stream: "S",
});

const LAYOUT: Layout = {
  mesh: "demo",
  configFile: "mesh.yaml",
  registryDir: "events",
  ports: {},
  servers: [server("root"), server("alpha")],
  nodes: [],
};

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "adaos-layout-"));
});
afterEach(() => {
  rmSync(state, { recursive: true });
});

describe("findLayout(), readLayout()", () => {
  test("read what was written", () => {
    writeFileSync(join(state, "mesh.json"), JSON.stringify(LAYOUT));
    expect([findLayout(state), readLayout(state)]).toEqual([LAYOUT, LAYOUT]);
  });

  test("go on by the copy when a disk has spoilt the file, which restoreLayout() brings back", () => {
    const file = join(state, "mesh.json");
    writeLayout(state, LAYOUT);
    for (const spoilt of ["{", "null", '{"mesh":"demo"}']) {
      writeFileSync(file, spoilt);
      expect(readLayout(state)).toEqual(LAYOUT);
      restoreLayout(state);
      expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ format: 1, ...LAYOUT });
    }
    rmSync(file);
    restoreLayout(state);
    expect(findLayout(state)).toBeUndefined();
  });

  test("refuse one of a later version, and put no copy in its place", () => {
    const file = join(state, "mesh.json");
    writeLayout(state, LAYOUT);
    const later = '{"format":2,"anything":"else"}';
    writeFileSync(file, later);
    const { code, message } = meshErrorOf(() => readLayout(state));
    expect([code, message]).toEqual(["invalid-config", expect.stringContaining(`${file} has format 2`)]);
    restoreLayout(state);
    expect(readFileSync(file, "utf8")).toBe(later);
  });

  test("tell apart that there is none: nothing, or unavailable with what to do", () => {
    expect(findLayout(state)).toBeUndefined();
    const { code, message } = meshErrorOf(() => readLayout(state));
    expect([code, message]).toEqual(["unavailable", expect.stringMatching(/no mesh in .*adaos up.*--state/)]);
  });

  test("refuse one that is spoilt as invalid-config, naming the file", () => {
    writeFileSync(join(state, "mesh.json"), '{"mesh":');
    for (const read of [findLayout, readLayout]) {
      const { code, message } = meshErrorOf(() => read(state));
      expect([code, message]).toEqual(["invalid-config", expect.stringContaining(join(state, "mesh.json"))]);
    }
  });
});

describe("serverOf()", () => {
  test("finds the server of a subnet and of the root", () => {
    expect([serverOf(LAYOUT, "root").name, serverOf(LAYOUT, "alpha").name]).toEqual([
      "nats-root",
      "nats-alpha",
    ]);
  });

  test.each(["gamma", "", "nats-alpha", "__proto__"])("says for %j which there are", (name) => {
    const { code, message } = meshErrorOf(() => serverOf(LAYOUT, name));
    expect([code, message]).toEqual(["usage", expect.stringContaining("there are root, alpha")]);
  });

  test("says of a subnet whose hub is elsewhere that it is, and of the root", () => {
    const hall = { id: "beta/hall", role: "member", nodeFile: "n" } as const;
    const remote: Layout = { ...LAYOUT, remote: ["gamma"], nodes: [hall] };
    for (const name of ["gamma", "beta"]) {
      const { code, message } = meshErrorOf(() => serverOf(remote, name));
      expect([code, message]).toEqual(["usage", `the hub of ${name} is on another machine; run this there`]);
    }
    const joined = { ...LAYOUT, joinedTo: "192.0.2.1", servers: [server("gamma")] };
    expect(meshErrorOf(() => serverOf(joined, "root")).message).toContain("root is on another machine");
  });
});
