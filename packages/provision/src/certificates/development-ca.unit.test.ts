import { X509Certificate } from "node:crypto";
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CertificateFiles } from "@adaos/config";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DevelopmentCa } from "./development-ca.ts";

const DAY_MS = 86_400_000;
const HOSTS = ["localhost", "127.0.0.1"];

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "adaos-development-ca-"));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(state, { recursive: true });
});

async function make(name: string, hosts?: readonly string[]): Promise<CertificateFiles> {
  return (await DevelopmentCa.open(state)).certificate(name, hosts);
}

/** The current certificate. */
function certificateOf({ certFile }: Pick<CertificateFiles, "certFile">): X509Certificate {
  return new X509Certificate(readFileSync(certFile));
}

function textsOf({ certFile, keyFile }: CertificateFiles): string[] {
  return [certFile, keyFile].map((file) => readFileSync(file, "utf8"));
}

/** Moves the clock by this many days. */
function later(days: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + days * DAY_MS });
}

describe("DevelopmentCa", () => {
  test("signs a certificate of a server for its hosts, which may be a client as well", async () => {
    const certificate = certificateOf(await make("servers/alpha", HOSTS));
    const ca = certificateOf(await DevelopmentCa.open(state));
    expect([ca.ca, certificate.ca]).toEqual([true, false]);
    expect(certificate.checkIssued(ca) && certificate.verify(ca.publicKey)).toBe(true);
    expect(certificate.subjectAltName).toBe("DNS:localhost, IP Address:127.0.0.1");
    // Server and client authentication.
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
  });

  test("signs a certificate of a node for no host, which no server could show", async () => {
    const certificate = certificateOf(await make("nodes/alpha/kitchen"));
    expect(certificate.subjectAltName).toBeUndefined();
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
    expect(certificate.subject).toBe("CN=nodes/alpha/kitchen");
  });

  test("keeps what it has made, readable by its owner only", async () => {
    const files = await make("servers/alpha", HOSTS);
    const before = textsOf(files);
    expect(textsOf(await make("servers/alpha", HOSTS))).toEqual(before);
    for (const file of [files.certFile, files.keyFile, join(state, "keys/tls/ca.key")]) {
      expect(statSync(file).mode & 0o777).toBe(0o600);
    }
  });

  test("renews a certificate in the last month of its year, by the same CA", async () => {
    const files = await make("servers/alpha", HOSTS);
    const [before, ca] = [certificateOf(files), certificateOf(await DevelopmentCa.open(state))];
    later(366);
    expect(certificateOf(await make("servers/alpha", HOSTS)).fingerprint256).toBe(before.fingerprint256);
    later(3);
    const after = certificateOf(await make("servers/alpha", HOSTS));
    expect(after.fingerprint256).not.toBe(before.fingerprint256);
    expect(after.verify(ca.publicKey)).toBe(true);
  });

  test("renews the CA before it ends, and with it what it has signed", async () => {
    const before = certificateOf(await make("servers/alpha", HOSTS));
    const old = certificateOf(await DevelopmentCa.open(state));
    later(3650 - 29);
    const after = certificateOf(await make("servers/alpha", HOSTS));
    const ca = certificateOf(await DevelopmentCa.open(state));
    expect(ca.fingerprint256).not.toBe(old.fingerprint256);
    expect([before.verify(ca.publicKey), after.verify(ca.publicKey)]).toEqual([false, true]);
  });

  test("makes a certificate anew for a host that it does not name", async () => {
    const before = certificateOf(await make("servers/alpha", HOSTS));
    const after = certificateOf(await make("servers/alpha", [...HOSTS, "192.0.2.7", "mesh.example"]));
    expect(after.fingerprint256).not.toBe(before.fingerprint256);
    expect([after.checkIP("192.0.2.7"), after.checkHost("mesh.example")]).toEqual([
      "192.0.2.7",
      "mesh.example",
    ]);
  });

  test("makes a certificate anew whose making was cut short", async () => {
    const files = await make("nodes/root");
    rmSync(files.certFile);
    const [certificate] = textsOf(await make("nodes/root"));
    expect(certificate).toContain("BEGIN CERTIFICATE");
  });

  test("refuses a key that others may read", async () => {
    const { keyFile } = await make("nodes/root");
    chmodSync(keyFile, 0o640);
    await expect(make("nodes/root")).rejects.toMatchObject({
      code: "invalid-config",
      message: expect.stringContaining(`chmod 600 ${keyFile}`),
    });
  });

  test("refuses a key that is that of another certificate, or none, without telling it", async () => {
    const files = await make("nodes/root");
    copyFileSync((await make("nodes/alpha/hub")).keyFile, files.keyFile);
    await expect(make("nodes/root")).rejects.toMatchObject({
      code: "invalid-config",
      message: `${files.keyFile} is not the key of ${files.certFile}`,
    });
    writeFileSync(files.keyFile, "not a key");
    await expect(make("nodes/root")).rejects.toMatchObject({
      code: "invalid-config",
      message: expect.not.stringContaining("not a key:"),
    });
  });
});
