import { copyFileSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect as dial, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { connect as upgrade } from "node:tls";
import { nodeFilePath, nodeId, readNodeFile, readServerAccess, type ServerAccess } from "@adaos/config";
import { makeCertificate } from "@adaos/provision";
import { openConnection } from "@adaos/transport-nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";

/*
 * One mesh, secured in three ways one after the other, against clients of ours and against somebody who speaks to a
 * port without any client.
 */

const MESH = `
mesh: sealed
registry: ../schemas/events
subnets:
  alpha:
    export: [ui.]
    members: { kitchen: { publish: [ui.] } }
  beta:
    import: [ui.]
    members: { desk: { subscribe: [ui.] } }
`;
const silent = (): void => undefined;
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };
const SECURED = { tls: "development", verified: "{ development: true, verify: true }" };

let mesh: TestMesh;
beforeAll(async () => {
  mesh = await TestMesh.start({ yaml: `${MESH}tls: ${SECURED.tls}` });
});
afterAll(async () => {
  await mesh.stop();
});

async function restart(tls: string): Promise<void> {
  await mesh.adaos(["down"]);
  mesh.configure(`${MESH}tls: ${tls}`);
  await mesh.up();
}

/** What `alpha/kitchen` connects with. */
function kitchen(): ServerAccess {
  const { config, path } = readNodeFile(
    nodeFilePath(mesh.state, nodeId({ subnet: "alpha", node: "kitchen" })),
    "member",
  );
  return readServerAccess(config.server, path);
}

/** Connects as `alpha/kitchen`, in some way that is not its own. Rejects when it gets in. */
async function dialAs(changes: Partial<ServerAccess>): Promise<never> {
  const options = { ...kitchen(), ...changes, name: "test", user: "kitchen", log: SILENT, timeoutMs: 1000 };
  const connection = await openConnection(options);
  await connection.close();
  throw new Error("it got in");
}

/** What a port announces, and then answers to whoever speaks NATS there without our client, until it hangs up. */
async function askPort(
  port: number,
  tls?: { readonly ca: string; cert?: string; key?: string },
): Promise<{ info: string; answer: string }> {
  const plain = dial(port, "127.0.0.1");
  let answer = "";
  const ended = (socket: Socket): Promise<void> =>
    new Promise((resolve) => {
      socket.on("error", (error) => (answer += error.message));
      socket.once("close", () => resolve());
    });
  const closed = ended(plain);
  const info = await new Promise<string>((resolve) => plain.once("data", (data) => resolve(String(data))));
  plain.removeAllListeners("data");
  const socket = tls === undefined ? plain : upgrade({ socket: plain, host: "127.0.0.1", ...tls });
  const over = socket === plain ? closed : ended(socket);
  socket.on("data", (data) => (answer += String(data)));
  socket.write("CONNECT {}\r\nPING\r\n");
  await over;
  return { info, answer };
}

function portOf(of: string, port: "port" | "leafPort"): number {
  const layout = JSON.parse(readFileSync(join(mesh.state, "mesh.json"), "utf8")) as {
    ports: Record<string, Record<string, number>>;
  };
  return layout.ports[of]?.[port] ?? 0;
}

function certificates(): [name: string, text: string][] {
  const dir = join(mesh.state, "keys/tls");
  const names = readdirSync(dir, { recursive: true, encoding: "utf8" }).filter((name) => /\.\w+$/.test(name));
  return names.sort().map((name) => [name, readFileSync(join(dir, name), "utf8")]);
}

async function expectCrossing(text: string): Promise<void> {
  const seen: string[] = [];
  const desk = await mesh.connect("beta/desk");
  await desk.subscribe("ui.notify", { durable: "screen" }, ({ event_id }) => seen.push(event_id));
  const published = ["events", "publish", "ui.notify", "--data", JSON.stringify({ text })];
  const { code, stdout, stderr } = await mesh.ask([...published, "--as", "alpha/kitchen", "--json"]);
  expect([code, stderr]).toEqual([0, ""]);
  await until("it arrives in beta", () => seen.some((id) => stdout.includes(id)));
  const told = await mesh.ask(["events", "tail", "ui.", "--at", "root", "--since", "10m", "--count", "1"]);
  expect(told.stdout).toContain("ui.notify");
  await desk.close();
}

describe("tls: development", () => {
  test("carries an event from alpha over the root to beta", () => expectCrossing("sealed"));

  test("is told by adaos status", async () => {
    const { code, stdout } = await mesh.ask(["status"]);
    expect(code).toBe(0);
    for (const of of ["root", "alpha", "beta"]) {
      expect(stdout).toMatch(new RegExp(`nats-${of} +ready +tls://127\\.0\\.0\\.1:`));
    }
  });

  test.each([
    ["root", "port"],
    ["alpha", "port"],
    ["root", "leafPort"],
  ] as const)("refuses who speaks in the clear to %s's %s", async (of, port) => {
    const { info, answer } = await askPort(portOf(of, port));
    expect(info).toContain('"tls_required":true');
    expect(answer).toBe("");
  });

  test("monitors over the system account alone, which needs TLS like any", async () => {
    for (const { of } of mesh.layout().servers) {
      const varz = await mesh.monitor<Record<string, unknown>>(of, "VARZ");
      expect(varz).toMatchObject({ http_port: 0, https_port: 0, tls_required: true });
    }
  });

  test("a client that trusts another CA refuses the server, at once also when it would wait for one", async () => {
    const other = await makeCertificate({ name: "another CA", validMs: 60_000 });
    const caFile = join(mesh.dir, "other.pem");
    writeFileSync(caFile, other.certificate);
    const refused = { code: "denied", message: expect.stringContaining("is not trusted") };
    await expect(dialAs({ tls: { caFile } })).rejects.toMatchObject(refused);
    const waiting = { ...kitchen(), tls: { caFile }, name: "test", user: "kitchen", log: SILENT };
    await expect(openConnection({ ...waiting, waitForServer: true })).rejects.toMatchObject(refused);
    rmSync(caFile);
  });

  test("a client that trusts only the CAs that Node knows refuses the server too", async () => {
    const { url, seed } = kitchen();
    const options = { url, seed, name: "test", user: "kitchen", log: SILENT };
    await expect(openConnection(options)).rejects.toMatchObject({ code: "denied" });
  });

  test("keeps its certificates when the mesh goes down and up again, private ones private", async () => {
    const before = certificates();
    expect(before.map(([name]) => name)).toEqual([
      "ca.key",
      "ca.pem",
      ...["alpha", "beta", "root"].flatMap((of) => [`servers/${of}.key`, `servers/${of}.pem`]),
    ]);
    await restart(SECURED.tls);
    expect(certificates()).toEqual(before);
    for (const [name] of before)
      expect(statSync(join(mesh.state, "keys/tls", name)).mode & 0o777).toBe(0o600);
    await expectCrossing("again");
  });
});

describe("tls: { development: true, verify: true }", () => {
  beforeAll(() => restart(SECURED.verified));

  test("carries an event from alpha over the root to beta", () => expectCrossing("verified"));

  test.each(["port", "leafPort"] as const)(
    "refuses who shows no certificate at the root's %s",
    async (port) => {
      const ca = readFileSync(join(mesh.state, "keys/tls/ca.pem"), "utf8");
      const { answer } = await askPort(portOf("root", port), { ca });
      expect(answer).toMatch(/certificate required|bad certificate/);
    },
  );

  test("a program and the links are back when servers were killed", async () => {
    const [kitchen, desk] = [await mesh.connect("alpha/kitchen"), await mesh.connect("beta/desk")];
    const seen: string[] = [];
    await desk.subscribe("ui.notify", { durable: "after" }, ({ event_id }) => seen.push(event_id));
    for (const name of ["nats-root", "nats-alpha"]) process.kill(mesh.pid(name), "SIGKILL");
    const { eventId } = await kitchen.publish("ui.notify", { text: "in between" });
    await until("it arrives in beta", () => seen.includes(eventId));
    await Promise.all([kitchen.close(), desk.close()]);
  });

  test("refuses who shows one of another CA, and goes on with who shows one of its own", async () => {
    const ca = readFileSync(join(mesh.state, "keys/tls/ca.pem"), "utf8");
    const issuer = await makeCertificate({ name: "another CA", validMs: 60_000 });
    const { certificate: cert, key } = await makeCertificate({ name: "x", validMs: 60_000, issuer });
    expect(await askPort(portOf("alpha", "port"), { ca, cert, key })).not.toContain(
      "Authorization Violation",
    );
    const { tls } = kitchen();
    const own = {
      cert: readFileSync(tls?.certFile ?? "", "utf8"),
      key: readFileSync(tls?.keyFile ?? "", "utf8"),
    };
    // Past the certificate it is the nkey that is missing.
    const { answer } = await askPort(portOf("alpha", "port"), { ca, ...own });
    expect(answer).toBe("-ERR 'Authorization Violation'\r\n");
  });

  test("tells a node without certificate that it needs one, before it waits for an answer", async () => {
    const { tls } = kitchen();
    await expect(dialAs({ tls: { caFile: tls?.caFile } })).rejects.toMatchObject({
      code: "denied",
      message: expect.stringContaining("asks for a certificate"),
    });
  });

  test("tells a node whose certificate is of another CA what it may be", async () => {
    const issuer = await makeCertificate({ name: "another CA", validMs: 60_000 });
    const { certificate, key } = await makeCertificate({ name: "x", validMs: 60_000, issuer });
    const shown = { certFile: join(mesh.dir, "x.pem"), keyFile: join(mesh.dir, "x.key") };
    writeFileSync(shown.certFile, certificate);
    writeFileSync(shown.keyFile, key, { mode: 0o600 });
    await expect(dialAs({ tls: { ...kitchen().tls, ...shown } })).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("of the CA of our certificate?"),
    });
  });

  test("refuses a node's key that others may read", async () => {
    const { tls } = kitchen();
    const readable = join(mesh.dir, "readable.key");
    writeFileSync(readable, readFileSync(tls?.keyFile ?? ""), { mode: 0o644 });
    const server = { url: kitchen().url, seedFile: join(mesh.state, "keys/alpha/members/kitchen.nk") };
    expect(() => readServerAccess({ ...server, tls: { ...tls, keyFile: readable } })).toThrow(/chmod 600/);
    rmSync(readable);
  });

  test("keeps keys out of every other file and of what the command line prints", async () => {
    const secrets = certificates()
      .filter(([name]) => name.endsWith(".key"))
      .map(([, text]) => text.split("\n")[1] ?? "");
    const files = readdirSync(mesh.state, { recursive: true, encoding: "utf8" })
      .map((name) => join(mesh.state, name))
      .filter((file) => statSync(file).isFile() && !dirname(file).startsWith(join(mesh.state, "keys")));
    const leaks = files.filter((file) =>
      secrets.some((secret) => readFileSync(file, "utf8").includes(secret)),
    );
    expect([secrets.length > 8, leaks]).toEqual([true, []]);
    const { stdout } = await mesh.ask(["status", "--json"]);
    expect(secrets.filter((secret) => stdout.includes(secret))).toEqual([]);
  });

  test("a new member gets a certificate of its own without a restart", async () => {
    mesh.configure(
      `${MESH.replace("members: { desk:", "members: { lamp: {}, desk:")}tls: ${SECURED.verified}`,
    );
    const { code, stderr } = await mesh.ask(["policy", "apply", "--yes"]);
    expect([code, stderr]).toEqual([0, expect.anything()]);
    await (await mesh.connect("beta/lamp")).close();
  });
});

describe("tls: { ca, cert, key, verify }", () => {
  test("serves with the files that mesh.yaml names, seen from it", async () => {
    for (const [from, to] of [
      ["ca.pem", "ca.pem"],
      ["servers/root.pem", "our.pem"],
      ["servers/root.key", "our.key"],
    ] as const) {
      copyFileSync(join(mesh.state, "keys/tls", from), join(mesh.dir, to));
    }
    await restart("{ ca: ca.pem, cert: our.pem, key: our.key, verify: true }");
    expect(kitchen().tls?.keyFile).toBe(join(mesh.dir, "our.key"));
    await expectCrossing("with our own");
  });
});
