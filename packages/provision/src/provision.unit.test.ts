import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { type NodeFile, readMeshFile, readNodeFile, readSeed } from "@adaos/config";
import { loadPolicy } from "@adaos/policy";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HOME } from "../../../test/kit/mesh.ts";
import { type ParsedBlock, parseConf } from "../../../test/kit/nats-conf.ts";
import { makeCertificate } from "./certificates/make-certificate.ts";
import { findLayout, type Layout } from "./layout.ts";
import { planAgain, provision } from "./provision.ts";

const REGISTRY = `registry: ${join(HOME, "schemas/events")}`;
const MESH = [
  "mesh: demo",
  REGISTRY,
  "subnets:",
  "  alpha:",
  "    export: [ui.]",
  "    members: { kitchen: { publish: [ui.] }, speaker: { subscribe: [ui.] } }",
  "  beta:",
  "    import: [ui.]",
];

let dir: string;
let state: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-provision-"));
  state = join(dir, "state");
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

function set(...lines: readonly string[]): Promise<Layout> {
  const file = join(dir, "mesh.yaml");
  writeFileSync(file, lines.join("\n"));
  return provision(readMeshFile(file), state);
}

/** Every file below a folder. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

function confOf(layout: Layout, of: string): ParsedBlock {
  const file = layout.servers.find((server) => server.of === of)?.configFile ?? "";
  return parseConf(readFileSync(file, "utf8"));
}

describe("provision()", () => {
  test("gives signature keys to those who sign, and to those whom signed events or replies may reach", async () => {
    const { nodes } = await set(
      "mesh: demo",
      REGISTRY,
      "subnets:",
      "  alpha:",
      "    export: [ui.]",
      "    signatures: { sign: k2, accept: [k1, k2], maxAgeMs: 5000 }",
      "    members: { kitchen: { publish: [ui.] } }",
      "  beta:",
      "    import: [ui.]",
      "    signatures: { sign: k1 }",
      "    members: { desk: { subscribe: [ui.] } }",
      "  gamma:",
      "    members: { porch: {} }",
    );
    const held = nodes.map(({ id, role, nodeFile }) => {
      const { signatures } = readNodeFile(nodeFile, role).config;
      const told = Object.entries(signatures).map(([subnet, { sign = "-", keys }]) => {
        return `${subnet} ${sign} of ${Object.keys(keys).join(" ")}`;
      });
      return [id, ...told];
    });
    expect(held).toEqual([
      ["root", "alpha k2 of k1 k2", "beta k1 of k1"],
      ["alpha/hub", "alpha k2 of k1 k2"],
      // Replies to alpha's commands come from beta.
      ["alpha/kitchen", "alpha k2 of k1 k2", "beta - of k1"],
      // It signs released parked events again.
      ["beta/hub", "alpha k2 of k1 k2", "beta k1 of k1"],
      ["beta/desk", "alpha - of k1 k2", "beta k1 of k1"],
      ["gamma/hub"],
      ["gamma/porch"],
    ]);
    const keys = filesIn(join(state, "keys")).filter((file) => file.includes("/signatures/"));
    expect(keys.map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600, 0o600]);
    const texts = keys.map((file) => readFileSync(file, "utf8").trim());
    expect(new Set(texts).size).toBe(3);
    for (const file of filesIn(state).filter((one) => !one.startsWith(join(state, "keys/"))))
      for (const text of texts) expect(readFileSync(file, "utf8"), file).not.toContain(text);
  });

  test("writes no word of signatures where no subnet signs", async () => {
    const { nodes } = await set(...MESH);
    for (const { nodeFile } of nodes) expect(readFileSync(nodeFile, "utf8")).not.toContain('"signatures":');
  });

  test("gives each of several root daemons a file of its own, all with the one key of the root", async () => {
    const { nodes } = await set(...MESH, "root: { daemons: 2 }");
    const roots = nodes.filter(({ role }) => role === "root");
    expect(roots.map(({ id }) => id)).toEqual(["root", "root-2"]);
    const files = roots.map(({ nodeFile }) => readNodeFile(nodeFile, "root").config);
    expect(files.map(({ node }) => node)).toEqual(["root", "root-2"]);
    expect(new Set(files.map(({ server }) => server.seedFile)).size).toBe(1);
    expect(new Set(files.map(({ runFile }) => runFile)).size).toBe(2);
  });

  test("lays out a server and a daemon for the root and each subnet, and a daemon for each member", async () => {
    const layout = await set(...MESH);
    expect(layout.servers.map(({ name, stream }) => [name, stream])).toEqual([
      ["nats-root", "MESH"],
      ["nats-alpha", "EVENTS_alpha"],
      ["nats-beta", "EVENTS_beta"],
    ]);
    expect(layout.nodes.map(({ id, role }) => [id, role])).toEqual([
      ["root", "root"],
      ["alpha/hub", "hub"],
      ["alpha/kitchen", "member"],
      ["alpha/speaker", "member"],
      ["beta/hub", "hub"],
    ]);
    expect(findLayout(state)).toEqual(layout);
  });

  test("writes node files that their daemons read, with a seed that each may use", async () => {
    for (const { role, nodeFile } of (await set(...MESH)).nodes) {
      const { config, path } = readNodeFile(nodeFile, role);
      expect(readSeed(path(config.server.seedFile))).toMatch(/^SU/);
    }
  });

  test("gives a member its own rules and nobody else's", async () => {
    const { nodes } = await set(...MESH);
    const file = nodes.find(({ id }) => id === "alpha/speaker")?.nodeFile ?? "";
    const { config } = readNodeFile(file, "member");
    expect(config.policy.map(({ verb, pattern }) => [verb, pattern.text])).toEqual([["subscribe", "ui."]]);
    expect(readFileSync(file, "utf8")).not.toContain("kitchen");
  });

  test("gives each member a folder of its own for what waits, unless the mesh file says none", async () => {
    const outboxes = async (...lines: readonly string[]) => {
      const { nodes } = await set(...MESH, ...lines);
      const members = nodes.filter(({ role }) => role === "member");
      return members.map(({ nodeFile }) => readNodeFile(nodeFile, "member").config.outbox);
    };
    const limits = { maxBytes: 67_108_864, maxEvents: 7 };
    expect(await outboxes("outbox: { maxEvents: 7 }")).toEqual([
      { dir: join(state, "outbox/alpha_kitchen"), ...limits },
      { dir: join(state, "outbox/alpha_speaker"), ...limits },
    ]);
    expect(await outboxes("outbox: false")).toEqual([undefined, undefined]);
  });

  test("gives every server ports of its own, which its daemons and the other servers know", async () => {
    const layout = await set(...MESH);
    const confs = ["root", "alpha", "beta"].map((of) => confOf(layout, of));
    const ports = confs.map(({ port }) => port);
    const { port: leafPort } = confOf(layout, "root")["leafnodes"] as ParsedBlock;
    expect(new Set([...ports, leafPort]).size).toBe(4);
    expect(confs[1]?.["leafnodes"]).toMatchObject({
      remotes: [{ urls: [`nats-leaf://127.0.0.1:${leafPort}`] }],
    });
    expect(layout.servers.map(({ url }) => Number(new URL(url).port))).toEqual(confs.map(({ port }) => port));
  });

  test("keeps every secret from others, and out of every other file", async () => {
    await set(...MESH);
    const secrets = filesIn(join(state, "keys"));
    expect(secrets.filter((file) => (statSync(file).mode & 0o077) !== 0)).toEqual([]);
    const seeds = secrets.filter((file) => file.endsWith(".nk")).map((file) => readSeed(file));
    expect(new Set(seeds).size).toBe(2 + 3 * 2 + 2);
    const others = filesIn(state).filter((file) => !file.startsWith(join(state, "keys")));
    const leaks = others.filter((file) => seeds.some((seed) => readFileSync(file, "utf8").includes(seed)));
    expect(leaks).toEqual([]);
  });

  test("names in a hub's config the file with its leaf's seed, seen from that config", async () => {
    const layout = await set(...MESH);
    const { configFile } = layout.servers[1] ?? { configFile: "" };
    const { remotes } = confOf(layout, "alpha")["leafnodes"] as { remotes: [{ include: string }] };
    const included = readFileSync(resolve(dirname(configFile), remotes[0].include), "utf8");
    expect(parseConf(included)).toEqual({ nkey: readSeed(join(state, "keys/alpha/leaf.nk")) });
  });

  test("keeps keys and ports at the next time", async () => {
    const first = await set(...MESH);
    const before = filesIn(state).map((file) => [file, readFileSync(file, "utf8")]);
    expect(await set(...MESH)).toEqual(first);
    expect(filesIn(state).map((file) => [file, readFileSync(file, "utf8")])).toEqual(before);
  });

  test("takes away the file of a member that is gone", async () => {
    const { nodes } = await set(...MESH);
    const gone = nodes.find(({ id }) => id === "alpha/speaker")?.nodeFile ?? "";
    await set(...MESH.map((line) => line.replace(/, speaker: {.*?} }/, " }")));
    expect(existsSync(gone)).toBe(false);
  });

  test("replaces node files under a reader that never finds one gone", async () => {
    const nodeFile = (await set(...MESH)).nodes.find(({ id }) => id === "alpha/kitchen")?.nodeFile ?? "";
    const look = `const { readFileSync } = require("node:fs");
      process.on("message", () => process.exit(0));
      process.send("looks");
      setInterval(() => { for (let i = 0; i < 2000; i++) JSON.parse(readFileSync(process.argv[1], "utf8")); }, 0);`;
    const reader = spawn(process.execPath, ["-e", look, nodeFile], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    let said = "";
    reader.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    const ended = once(reader, "exit");
    await once(reader, "message");
    for (let i = 0; i < 15; i++) await set(...MESH);
    if (reader.connected) reader.send("enough");
    expect([await ended, said]).toEqual([[0, null], ""]);
  });

  test("keeps what a hub has granted while the policy of its subnet stays what it was", async () => {
    const layout = await set(...MESH);
    const conf = layout.servers.find(({ of }) => of === "alpha")?.configFile ?? "";
    const granted = '"$JS.API.CONSUMER.INFO.EVENTS_alpha.speaker_screen"';
    const plain = readFileSync(conf, "utf8");
    expect(plain).not.toContain(granted);
    // In the form and place in which a hub writes it, and provision() reads it.
    writeFileSync(conf, `${plain}# ${granted}\n`);
    await set(...MESH, "    members: { desk: {} }");
    expect(readFileSync(conf, "utf8")).toContain(granted);
    await set(...MESH.map((line) => line.replace("subscribe: [ui.]", "subscribe: [ui.notify]")));
    expect(readFileSync(conf, "utf8")).not.toContain(granted);
  });

  test("uses the ports that the mesh file fixes", async () => {
    const layout = await set(...MESH, "    port: 20111", "root: { leafPort: 20113 }");
    expect(layout.ports["beta"]).toEqual({ port: 20_111 });
    expect(layout.ports["root"]?.leafPort).toBe(20_113);
  });

  test("lets the mesh file fix a port that another server had the last time", async () => {
    const before = (await set(...MESH)).ports["alpha"]?.port ?? 0;
    const after = await set(...MESH, `    port: ${before}`);
    expect(after.ports["beta"]?.port).toBe(before);
    expect(after.ports["alpha"]?.port).not.toBe(before);
  });

  test("rejects one port for two servers as invalid-config", async () => {
    const lines = [...MESH, "    port: 20111", "root: { port: 20111 }"];
    await expect(set(...lines)).rejects.toMatchObject({ code: "invalid-config" });
  });

  test("rejects another mesh in the same folder, and leaves what is there", async () => {
    const first = await set(...MESH);
    await expect(set("mesh: other", ...MESH.slice(1))).rejects.toMatchObject({
      code: "invalid-config",
      message: expect.stringMatching(/holds the mesh demo, not other.*--state/),
    });
    expect(findLayout(state)).toEqual(first);
  });
});

describe("provision(), with TLS", () => {
  /** Certificate and key of a separate CA, for these hosts, beside the mesh file. */
  async function ownFiles(hosts: readonly string[], validMs = 60_000): Promise<void> {
    const issuer = await makeCertificate({ name: "our CA", validMs: 60_000 });
    const { certificate, key } = await makeCertificate({ name: "ours", hosts, validMs, issuer });
    writeFileSync(join(dir, "ca.pem"), issuer.certificate);
    writeFileSync(join(dir, "our.pem"), certificate);
    writeFileSync(join(dir, "our.key"), key, { mode: 0o600 });
  }

  const OWN = "tls: { ca: ca.pem, cert: our.pem, key: our.key }";

  function serverOf(layout: Layout, id: string): NodeFile["server"] {
    const { role, nodeFile } = layout.nodes.find((node) => node.id === id) ?? {
      role: "member",
      nodeFile: "",
    };
    return readNodeFile(nodeFile, role).config.server;
  }

  test("makes a certificate for each server, and dials with the CA's", async () => {
    const layout = await set(...MESH, "tls: development");
    const caFile = join(state, "keys/tls/ca.pem");
    for (const { of, url, tls } of layout.servers) {
      expect([url, tls]).toEqual([expect.stringMatching(/^tls:\/\/127\.0\.0\.1:/), { caFile }]);
      expect(confOf(layout, of)["tls"]).toMatchObject({
        cert_file: join(state, `keys/tls/servers/${of}.pem`),
        key_file: join(state, `keys/tls/servers/${of}.key`),
      });
    }
    for (const { id } of layout.nodes) {
      expect(serverOf(layout, id)).toMatchObject({ url: expect.stringMatching(/^tls:/), tls: { caFile } });
    }
    expect(existsSync(join(state, "keys/tls/nodes"))).toBe(false);
    expect(confOf(layout, "alpha")["leafnodes"]).toMatchObject({
      remotes: [{ urls: [expect.stringMatching(/^tls:\/\/127\.0\.0\.1:/)], tls: { ca_file: caFile } }],
    });
  });

  test("makes one for each node too where servers ask for them", async () => {
    const lines = [...MESH, "tls: { development: true, verify: true }", "root: { daemons: 2 }"];
    const layout = await set(...lines);
    const files = layout.nodes.map(({ id }) => serverOf(layout, id).tls?.keyFile ?? "");
    expect(files.every((file) => existsSync(file))).toBe(true);
    expect(new Set(files).size).toBe(layout.nodes.length);
    expect(layout.servers.map(({ tls }) => tls)).toEqual(
      ["root", "alpha/hub", "beta/hub"].map((id) => serverOf(layout, id).tls),
    );
  });

  test("changes nothing at the next time, nor for a plan of a mesh that runs", async () => {
    const lines = [...MESH, "tls: { development: true, verify: true }"];
    await set(...lines);
    const read = () => filesIn(state).map((file) => [file, readFileSync(file, "utf8")] as const);
    const before = read();
    await set(...lines);
    expect(read()).toEqual(before);
    const { files } = await planAgain(await loadPolicy(join(dir, "mesh.yaml")), state);
    expect([...files].filter(([file, text]) => readFileSync(file, "utf8") !== text)).toEqual([]);
    expect(read()).toEqual(before);
  });

  test("listens where it is told, and dials there", async () => {
    const lines = MESH.map((line) => (line === "  beta:" ? "  beta:\n    host: 192.0.2.7" : line));
    const layout = await set(...lines, "root: { host: 0.0.0.0 }", "tls: development");
    expect(["root", "alpha", "beta"].map((of) => confOf(layout, of)["host"])).toEqual([
      "0.0.0.0",
      "127.0.0.1",
      "192.0.2.7",
    ]);
    const hosts = layout.servers.map(({ url }) => new URL(url).hostname);
    expect(hosts).toEqual(["127.0.0.1", "127.0.0.1", "192.0.2.7"]);
    const certificateOf = (of: string) =>
      new X509Certificate(readFileSync(join(state, `keys/tls/servers/${of}.pem`)));
    expect(certificateOf("beta").checkIP("192.0.2.7")).toBe("192.0.2.7");
    expect(certificateOf("root").checkHost(hostname())).toBeDefined();
    // Only the system account may see connections and subscriptions.
    const monitors = ["http", "http_port", "https", "https_port", "monitor_port"];
    for (const { of } of layout.servers) {
      expect(Object.keys(confOf(layout, of)).filter((key) => monitors.includes(key))).toEqual([]);
    }
  });

  test("writes node files that say so where plain is allowed beyond this machine", async () => {
    const layout = await set(...MESH, "root: { host: 192.0.2.7, allowPlain: true }");
    expect(serverOf(layout, "root")).toMatchObject({ allowPlain: true });
    for (const { role, nodeFile } of layout.nodes) expect(() => readNodeFile(nodeFile, role)).not.toThrow();
  });

  test("takes the files of the mesh file", async () => {
    await ownFiles(["127.0.0.1"]);
    const layout = await set(...MESH, OWN.replace(" }", ", verify: true }"));
    const shown = { certFile: join(dir, "our.pem"), keyFile: join(dir, "our.key") };
    expect(serverOf(layout, "alpha/kitchen").tls).toEqual({ caFile: join(dir, "ca.pem"), ...shown });
    expect(existsSync(join(state, "keys/tls"))).toBe(false);
  });

  test.each<[string, () => unknown, RegExp]>([
    ["that is missing", () => rmSync(join(dir, "our.pem")), /our\.pem and .*our\.key are not a certificate/],
    ["that others may read", () => chmodSync(join(dir, "our.key"), 0o644), /chmod 600 .*our\.key/],
    ["of no CA", () => writeFileSync(join(dir, "ca.pem"), ""), /ca\.pem is not the certificate of a CA/],
    [
      "of another host",
      () => ownFiles(["mesh.example"]),
      /our\.pem is for DNS:mesh\.example, .* dialled as 127/,
    ],
    ["that ended", () => ownFiles(["127.0.0.1"], -60_000), /our\.pem ended on .*; renew it/],
  ])("refuses a file %s", async (_, spoil, problem) => {
    await ownFiles(["127.0.0.1"]);
    await spoil();
    await expect(set(...MESH, OWN)).rejects.toMatchObject({
      code: "invalid-config",
      message: expect.stringMatching(problem),
    });
  });
});
