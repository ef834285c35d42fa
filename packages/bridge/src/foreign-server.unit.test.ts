import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { type MadeCertificate, makeCertificate } from "@adaos/provision";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type ForeignOptions, openForeignServer } from "./foreign-server.ts";

const silent = (): void => undefined;

let dir: string;
let caFile: string;
let shown: MadeCertificate;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "adaos-foreign-"));
  caFile = join(dir, "ca.pem");
  const ca = await makeCertificate({ name: "CA", validMs: 60_000 });
  shown = await makeCertificate({ name: "server", hosts: ["127.0.0.1"], validMs: 60_000, issuer: ca });
  writeFileSync(caFile, ca.certificate);
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

let server: Server | undefined;
const sockets = new Set<Socket>();
/** Bytes received after the handshake. */
let received = "";
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  received = "";
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
});

/** A server that greets as a nats-server does, keeps what it is sent, and hangs up then. Returns its port. */
async function serve(certificate?: MadeCertificate): Promise<number> {
  const info = {
    server_id: "x",
    version: "2.10.0",
    proto: 1,
    max_payload: 1024,
    tls_required: certificate !== undefined,
  };
  server = createServer((plain) => {
    sockets.add(plain);
    plain.on("error", silent);
    plain.write(`INFO ${JSON.stringify(info)}\r\n`);
    const { certificate: cert, key } = certificate ?? {};
    const socket = certificate === undefined ? plain : new TLSSocket(plain, { isServer: true, cert, key });
    socket.on("error", silent).on("data", (data) => {
      received += String(data);
      plain.destroy();
    });
  });
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return (listening.address() as AddressInfo).port;
}

const open = (options: ForeignOptions): Promise<unknown> => openForeignServer(options, "test");

describe("openForeignServer()", () => {
  test("says nothing to a server without TLS where tls:// was asked for", async () => {
    const port = await serve();
    await expect(open({ url: `tls://127.0.0.1:${port}` })).rejects.toMatchObject({
      code: "denied",
      message: expect.stringContaining("speaks no TLS"),
    });
    expect(received).toBe("");
  });

  test("says nothing to a server that is not trusted, and speaks to it once its CA is named", async () => {
    const url = `tls://127.0.0.1:${await serve(shown)}`;
    await expect(open({ url })).rejects.toMatchObject({
      code: "denied",
      message: expect.stringMatching(/is not trusted: .*is --ca the CA/),
    });
    expect(received).toBe("");
    await expect(open({ url, tls: { caFile } })).rejects.toMatchObject({ code: "unavailable" });
    expect(received).toMatch(/^CONNECT /);
  });

  test("speaks in the clear to this machine, and to another where it was allowed", async () => {
    const port = await serve();
    await expect(open({ url: `nats://127.0.0.1:${port}` })).rejects.toMatchObject({ code: "unavailable" });
    expect(received).toMatch(/^CONNECT /);
    // Nobody is there; it was tried.
    const elsewhere = open({ url: "nats://nobody.invalid:1", allowPlain: true });
    await expect(elsewhere).rejects.toMatchObject({ code: "unavailable" });
  });

  test.each([
    [{ url: "nats://192.0.2.7:4222" }, /in the clear.*--allow-plain/],
    [{ url: "nats://localhost.example:4222" }, /in the clear/],
    [{ url: "nats://ann:canary@127.0.0.1:4222" }, /^--url must be .* without a password$/],
    [{ url: "127.0.0.1:4222" }, /^--url must be/],
    [{ url: "nats://127.0.0.1:1", tls: { caFile: "ca.pem" } }, /need --url tls:/],
    [{ url: "tls://127.0.0.1:1", tls: { certFile: "own.pem" } }, /go together/],
  ])("refuses %j", async (options, wanted) => {
    await expect(open(options)).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(wanted),
    });
  });
});
