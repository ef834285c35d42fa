import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { meshErrorOf } from "../../../test/kit/stand-ins.ts";
import { type MeshFile, readMeshFile } from "./mesh-file.ts";

let dir: string;
let file: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-mesh-file-"));
  file = join(dir, "mesh.yaml");
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

function read(...lines: readonly string[]): MeshFile {
  writeFileSync(file, lines.join("\n"));
  return readMeshFile(file);
}

function problemsOf(...lines: readonly string[]): string[] {
  const { code, message } = meshErrorOf(() => read(...lines));
  expect(code).toBe("invalid-config");
  return message.replaceAll(`${file}:`, "").split("\n");
}

describe("readMeshFile()", () => {
  test("reads the default mesh as it is shipped", () => {
    const shipped = fileURLToPath(new URL("../../../deploy/mesh.yaml", import.meta.url));
    const { mesh, registryDir, streams } = readMeshFile(shipped);
    expect([mesh.name, mesh.durability, [...mesh.subnets.keys()]]).toEqual([
      "demo",
      "synced",
      ["alpha", "beta"],
    ]);
    expect([...(mesh.subnets.get("alpha")?.members.keys() ?? [])]).toEqual(["kitchen", "speaker"]);
    const kitchen = mesh.subnets.get("alpha")?.members.get("kitchen");
    expect(kitchen?.subscribe.map(({ text }) => text)).toEqual(["ui.", "timer."]);
    expect(registryDir).toBe(fileURLToPath(new URL("../../../schemas/events", import.meta.url)));
    expect(streams).toEqual({
      maxBytes: 1_073_741_824,
      maxAgeHours: 168,
      duplicateWindowMs: 120_000,
      maxShare: 0.75,
    });
  });

  test("fills in what need not be written", () => {
    const { mesh, registryDir, ports } = read("mesh: m", "subnets:", "  a: {}");
    expect(mesh.durability).toBe("synced");
    expect(mesh.subnets.get("a")).toEqual({
      name: "a",
      tenant: "default",
      clearance: [],
      exports: [],
      imports: [],
      members: new Map(),
    });
    expect(mesh.policy).toEqual([]);
    expect(registryDir).toBe(join(dir, "schemas/events"));
    expect(ports.get("root")?.port).toBeUndefined();
  });

  test("takes the registry as a path, or with what is put in force by itself", () => {
    const registryOf = (line: string): unknown[] => {
      const { registryDir, autoApply } = read("mesh: m", line, "subnets: {}");
      return [registryDir, autoApply];
    };
    expect(registryOf("registry: events")).toEqual([join(dir, "events"), "compatible"]);
    expect(registryOf("registry: { path: events, autoApply: false }")).toEqual([join(dir, "events"), false]);
    expect(registryOf("registry: { autoApply: compatible }")).toEqual([
      join(dir, "schemas/events"),
      "compatible",
    ]);
    expect(() => registryOf("registry: { path: events, autoApply: true }")).toThrow(/registry/);
  });

  test("gives members an outbox, bounded, or none", () => {
    const limits = { maxBytes: 67_108_864, maxEvents: 100_000 };
    expect(read("mesh: m", "subnets: {}").outbox).toEqual(limits);
    expect(read("mesh: m", "outbox: { maxEvents: 5 }", "subnets: {}").outbox).toEqual({
      ...limits,
      maxEvents: 5,
    });
    expect(read("mesh: m", "outbox: false", "subnets: {}").outbox).toBe(false);
  });

  test("keeps the order of subnets, members and rules", () => {
    const { mesh } = read(
      "mesh: m",
      "subnets:",
      "  z: { export: [b.x, a., '*'], members: { y: {}, b: {} } }",
      "  a: {}",
    );
    expect([...mesh.subnets.keys()]).toEqual(["z", "a"]);
    expect([...(mesh.subnets.get("z")?.members.keys() ?? [])]).toEqual(["y", "b"]);
    expect(mesh.subnets.get("z")?.exports.map(({ kind }) => kind)).toEqual(["name", "prefix", "all"]);
  });

  test("tells the ports that are fixed, of the root and each subnet", () => {
    const { ports } = read("mesh: m", "root: { port: 1, leafPort: 65535 }", "subnets:", "  a: { port: 4 }");
    expect(ports.get("root")).toMatchObject({ port: 1, leafPort: 65_535 });
    expect(ports.get("a")).toMatchObject({ port: 4 });
  });

  test("runs one root daemon unless told how many", () => {
    expect(read("mesh: m", "subnets: {}").rootDaemons).toBe(1);
    expect(read("mesh: m", "root: { daemons: 3 }", "subnets: {}").rootDaemons).toBe(3);
    expect(problemsOf("mesh: m", "root: { daemons: 0 }", "subnets: {}")).toHaveLength(1);
  });

  test.each(["hub", "root"])("refuses a member of the name %s, which every subnet has already", (name) => {
    expect(problemsOf("mesh: m", "subnets:", "  a:", "    members:", `      ${name}: {}`)).toEqual([
      `5:7 subnets.a.members.${name}: member "${name}" is reserved; choose another`,
    ]);
  });

  test("refuses a subnet of the name root, which is the root's domain", () => {
    expect(problemsOf("mesh: m", "subnets:", "  a: {}", "  root: {}")).toEqual([
      '4:3 subnets.root: subnet "root" is reserved; choose another',
    ]);
  });

  test.each(["Kitchen", "a.b", "a_b", "-a", "a b", "\u00e9", "a".repeat(64)])(
    "refuses the name %j for subnet and member",
    (name) => {
      const member = `  b: { members: { "${name}": {} } }`;
      const problems = problemsOf("mesh: m", "subnets:", `  "${name}": {}`, member);
      expect(problems).toEqual([
        expect.stringMatching(/^3:3 .*subnet .* must be 1 to 63 of a-z 0-9 -/),
        expect.stringMatching(/^4:19 .*member .* must be 1 to 63 of a-z 0-9 -/),
      ]);
    },
  );

  test("refuses a mesh name that is none", () => {
    expect(problemsOf("mesh: My Mesh", "subnets: {}")).toEqual([
      expect.stringMatching(/^1:7 mesh: mesh "My Mesh" must be/),
    ]);
  });

  test("names the place of every rule that is wrong", () => {
    expect(
      problemsOf(
        "mesh: m",
        "subnets:",
        "  a:",
        "    export: [ui., nlp, ui.>]",
        "    members:",
        "      b: { publish: [ui.notify@0], subscribe: [7] }",
      ),
    ).toEqual([
      expect.stringMatching(/^4:19 subnets\.a\.export\[1\]: event pattern "nlp" .*ui\.notify@1/),
      expect.stringMatching(/^4:24 subnets\.a\.export\[2\]: event pattern "ui\.>" /),
      expect.stringMatching(/^6:22 subnets\.a\.members\.b\.publish\[0\]: .*1 to 9999/),
      expect.stringMatching(/^6:48 subnets\.a\.members\.b\.subscribe\[0\]: .*string/),
    ]);
  });

  test("refuses keys that nobody knows, each at its place", () => {
    expect(
      problemsOf(
        "mesh: m",
        "exports: []",
        "subnets:",
        "  a: { exports: [] }",
        "  b:",
        "    members: { c: { pub: [] } }",
      ),
    ).toEqual(['4:8 unknown key "exports"', '6:21 unknown key "pub"', '2:1 unknown key "exports"']);
  });

  test.each([
    ["durability: safe", /^2:13 durability: /],
    ["root: { port: 0 }", /^2:15 root\.port: /],
    ["root: { port: 65536 }", /^2:15 root\.port: /],
    ["root: { port: 4222.5 }", /^2:15 root\.port: /],
    ["streams: { maxBytes: 1000 }", /^2:22 streams\.maxBytes: /],
    ["streams: { maxAgeHours: 0 }", /^2:25 streams\.maxAgeHours: /],
    ["streams: { duplicateWindowMs: 999 }", /^2:31 streams\.duplicateWindowMs: /],
    ["registry: ''", /^2:11 registry: /],
    ["outbox: true", /^2:9 outbox: /],
  ])("refuses %s", (line, problem) => {
    expect(problemsOf("mesh: m", line, "subnets: {}")).toEqual([expect.stringMatching(problem)]);
  });

  test("says that the file is missing", () => {
    expect(meshErrorOf(() => readMeshFile(join(dir, "none.yaml"))).message).toContain(
      "none.yaml cannot be read",
    );
  });
});

describe("readMeshFile(), tls", () => {
  const SUBNET = ["subnets:", "  a: {}"];

  test("is off unless it is asked for, and everything listens on 127.0.0.1", () => {
    const { tls, hosts } = read("mesh: m", ...SUBNET);
    expect(tls).toBeUndefined();
    expect([...hosts].map(([name, { host }]) => [name, host])).toEqual([
      ["root", "127.0.0.1"],
      ["a", "127.0.0.1"],
    ]);
  });

  test.each([
    ["development", false],
    ["{ development: true }", false],
    ["{ development: true, verify: true }", true],
  ])("reads tls: %s", (text, verify) => {
    expect(read("mesh: m", `tls: ${text}`, ...SUBNET).tls).toEqual({ development: true, verify });
  });

  test("names a certificate for the root and each subnet, seen from the file, that of the mesh where it has none", () => {
    const lines = ["tls: { ca: ca.pem, cert: tls/m.pem, key: /k/m.key }", ...SUBNET];
    const { tls } = read("mesh: m", ...lines, "  b: { tls: { cert: b.pem, key: b.key } }");
    const ours = { certFile: join(dir, "tls/m.pem"), keyFile: "/k/m.key" };
    expect(tls).toEqual({
      development: false,
      verify: false,
      caFile: join(dir, "ca.pem"),
      certificates: new Map([
        ["root", ours],
        ["a", ours],
        ["b", { certFile: join(dir, "b.pem"), keyFile: join(dir, "b.key") }],
      ]),
    });
  });

  test.each(["true", "{ ca: ca.pem }", "{ development: false }"])(
    "refuses tls: %s and says what there is",
    (text) => {
      expect(problemsOf("mesh: m", `tls: ${text}`, ...SUBNET)).toEqual([
        expect.stringMatching(/^2:6 tls: must be development, .* or \{ ca, cert, key, verify \}$/),
      ]);
    },
  );

  test("refuses a certificate of a subnet that no TLS would use", () => {
    const subnet = ["subnets:", "  a: { tls: { cert: a.pem, key: a.key } }"];
    for (const tls of [[], ["tls: development"]]) {
      expect(problemsOf("mesh: m", ...tls, ...subnet)).toEqual([
        expect.stringMatching(/^\d:13 subnets\.a\.tls: needs tls: \{ ca, cert, key \}/),
      ]);
    }
  });

  test.each(["0.0.0.0", "192.0.2.7", "mesh.example", "128.0.0.1"])(
    "refuses to listen on %s in the clear, unless told so",
    (host) => {
      const problem = expect.stringMatching(
        /^2:15 root\.host: leaves this machine unencrypted; set tls, or allowPlain/,
      );
      expect(problemsOf("mesh: m", `root: { host: ${host} }`, ...SUBNET)).toEqual([problem]);
      const told = read("mesh: m", `root: { host: ${host}, allowPlain: true }`, ...SUBNET);
      expect(told.hosts.get("root")).toMatchObject({ host, allowPlain: true });
      expect(read("mesh: m", `root: { host: ${host} }`, "tls: development", ...SUBNET).tls).toBeDefined();
    },
  );

  test("refuses to be dialled in the clear on another machine, unless told so", () => {
    const subnet = "subnets: { a: { dial: alpha-server } }";
    const problem = expect.stringMatching(
      /^2:\d+ subnets\.a\.dial: leaves this machine unencrypted; set tls/,
    );
    expect(problemsOf("mesh: m", subnet)).toEqual([problem]);
    expect(read("mesh: m", "tls: development", subnet).hosts.get("a")).toMatchObject({
      dial: "alpha-server",
    });
    const told = read("mesh: m", "subnets: { a: { dial: alpha-server, allowPlain: true } }");
    expect(told.hosts.get("a")).toMatchObject({ host: "127.0.0.1", dial: "alpha-server" });
    const near = read("mesh: m", "subnets: { a: { dial: localhost } }");
    expect(near.hosts.get("a")).toMatchObject({ dial: "localhost" });
    expect(problemsOf("mesh: m", 'root: { dial: "no name" }', ...SUBNET)).toEqual([
      expect.stringContaining("root.dial: must be an IPv4 address or a name"),
    ]);
  });

  test("names the place of each subnet that would", () => {
    expect(problemsOf("mesh: m", "subnets:", "  a: { host: 0.0.0.0 }", "  b: { host: 127.0.0.2 }")).toEqual([
      expect.stringMatching(/^3:14 subnets\.a\.host: /),
    ]);
  });
});
