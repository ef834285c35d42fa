import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { type MadeCertificate, makeCertificate } from "@adaos/provision";
import { nkeys } from "nats";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openConnection } from "./connection.ts";
import { tlsRefusal } from "./tls.ts";

/*
 * Servers that are not genuine: each sends a nats-server's greeting, and then records what it receives.
 */

const silent = (): void => undefined;
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };
const seed = new TextDecoder().decode(nkeys.createUser().getSeed());

let dir: string;
let caFile: string;
let ca: MadeCertificate;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "adaos-tls-"));
  caFile = join(dir, "ca.pem");
  ca = await makeCertificate({ name: "CA", validMs: 60_000 });
  writeFileSync(caFile, ca.certificate);
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

let server: Server;
const sockets = new Set<Socket>();
/** Bytes received beyond a handshake. */
let received = "";
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  received = "";
  await new Promise((resolve) => server.close(resolve));
});

/** A server with this greeting and, if given, this certificate. Returns its port. */
async function serve(info: object, shown?: MadeCertificate): Promise<number> {
  const take = (data: Buffer): void => {
    received += String(data);
  };
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", silent);
    socket.write(`INFO ${JSON.stringify({ server_id: "x", proto: 1, max_payload: 1024, ...info })}\r\n`);
    if (shown === undefined) return socket.on("data", take);
    const { certificate: cert, key } = shown;
    return new TLSSocket(socket, { isServer: true, cert, key }).on("error", silent).on("data", take);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

function dial(url: string): Promise<unknown> {
  return openConnection({ url, tls: { caFile }, name: "test", user: "test", seed, log: SILENT });
}

describe("openConnection(), tls://", () => {
  test("says nothing to a server that offers no TLS", async () => {
    const port = await serve({});
    await expect(dial(`tls://127.0.0.1:${port}`)).rejects.toMatchObject({
      code: "denied",
      message: expect.stringContaining("speaks no TLS"),
    });
    expect(received).toBe("");
  });

  test.each(["127.0.0.1", "localhost"])(
    "says nothing to a server whose certificate is not for %s",
    async (host) => {
      // Either name leads to the same server, and the certificate is for the other one.
      const hosts = host === "localhost" ? ["127.0.0.1"] : ["localhost"];
      const shown = await makeCertificate({ name: "server", hosts, validMs: 60_000, issuer: ca });
      const port = await serve({ tls_required: true }, shown);
      await expect(dial(`tls://${host}:${port}`)).rejects.toMatchObject({
        code: "denied",
        message: expect.stringMatching(/is not trusted: .*altnames/),
      });
      expect(received).toBe("");
    },
  );

  test("says nothing to a server whose certificate has ended", async () => {
    const hosts = ["127.0.0.1"];
    const shown = await makeCertificate({ name: "server", hosts, validMs: -1000, issuer: ca });
    const port = await serve({ tls_required: true }, shown);
    await expect(dial(`tls://127.0.0.1:${port}`)).rejects.toMatchObject({
      code: "denied",
      message: expect.stringMatching(/certificate has expired; this machine's clock shows 2.*renew/),
    });
    expect(received).toBe("");
  });

  test("does not wait for a server that asks for a certificate where there is none", async () => {
    const port = await serve({ tls_required: true, tls_verify: true });
    await expect(dial(`tls://127.0.0.1:${port}`)).rejects.toMatchObject({
      code: "denied",
      message: expect.stringContaining(`the server at tls://127.0.0.1:${port} asks for a certificate`),
    });
    expect(received).toBe("");
  });

  test("tells of a file that is missing which it is", async () => {
    const port = await serve({ tls_required: true });
    const options = { url: `tls://127.0.0.1:${port}`, name: "test", user: "test", seed, log: SILENT };
    const missing = join(dir, "none.pem");
    await expect(openConnection({ ...options, tls: { caFile: missing } })).rejects.toMatchObject({
      code: "invalid-config",
      message: expect.stringContaining(missing),
    });
  });
});

describe("tlsRefusal()", () => {
  test("suspects the clock when a certificate is not valid yet, and the CA otherwise", () => {
    const refused = (code: string): string | undefined =>
      tlsRefusal(Object.assign(new Error("why"), { code }), "tls://a:1")?.message;
    expect(refused("CERT_NOT_YET_VALID")).toMatch(
      /^the server at tls:\/\/a:1 is not trusted: why; this machine's clock/,
    );
    expect(refused("CERT_UNTRUSTED")).toMatch(/is server\.tls\.caFile the CA of its certificate\?$/);
    expect(refused("ECONNRESET")).toBeUndefined();
  });
});
