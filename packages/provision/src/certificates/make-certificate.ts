import { createPrivateKey, createPublicKey, X509Certificate as Parsed, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import { MeshError } from "@adaos/core";
import type { Extension } from "@peculiar/x509";

/** A certificate and its private key, both PEM. */
export interface MadeCertificate {
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateRequest {
  readonly name: string;
  readonly validMs: number;
  /** Its issuer; undefined: it is a CA and signs itself. */
  readonly issuer?: MadeCertificate;
  /** Addresses and names of a server; a client needs none. */
  readonly hosts?: readonly string[];
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
/** Clocks of other machines may be behind: by hours where one starts without a battery or took a zone for UTC. */
const BACKDATE_MS = 86_400_000;

/** Makes a key and a certificate for it. */
export async function makeCertificate(request: CertificateRequest): Promise<MadeCertificate> {
  const pair = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await certify(request, pair.publicKey, pair.privateKey);
  const key = await webcrypto.subtle.exportKey("pkcs8", pair.privateKey);
  return {
    certificate,
    key: createPrivateKey({ key: Buffer.from(key), format: "der", type: "pkcs8" })
      .export({ format: "pem", type: "pkcs8" })
      .toString(),
  };
}

/** Makes a certificate for another's key: PEM of a P-256 public key, and of the certificate. */
export async function certifyKey(
  request: CertificateRequest & { readonly issuer: MadeCertificate },
  publicKey: string,
): Promise<string> {
  const der = createPublicKey(publicKey).export({ format: "der", type: "spki" });
  return certify(request, await webcrypto.subtle.importKey("spki", der, ALGORITHM, true, ["verify"]));
}

/** @param own Signs when there is no issuer. */
async function certify(
  request: CertificateRequest,
  publicKey: webcrypto.CryptoKey,
  own?: webcrypto.CryptoKey,
): Promise<string> {
  // Loaded only here: it costs 17 MB and 0.2 s, which a mesh with valid certificates saves.
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  const { name, validMs, issuer, hosts = [] } = request;
  const usage = x509.KeyUsageFlags;
  const isCa = issuer === undefined;
  const extensions: Extension[] = [
    new x509.BasicConstraintsExtension(isCa, isCa ? 0 : undefined, true),
    new x509.KeyUsagesExtension(isCa ? usage.keyCertSign | usage.cRLSign : usage.digitalSignature, true),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
  ];
  if (!isCa) {
    const { clientAuth, serverAuth } = x509.ExtendedKeyUsage;
    // A hub's server is a client of its root.
    extensions.push(
      new x509.ExtendedKeyUsageExtension(hosts.length > 0 ? [serverAuth, clientAuth] : [clientAuth]),
      await x509.AuthorityKeyIdentifierExtension.create(
        new x509.X509Certificate(issuer.certificate).publicKey,
      ),
    );
  }
  if (hosts.length > 0) {
    const names = hosts.map((value) => ({ type: isIP(value) > 0 ? "ip" : "dns", value }) as const);
    extensions.push(new x509.SubjectAlternativeNameExtension(names));
  }
  const subject = [{ CN: [name] }];
  const made = await x509.X509CertificateGenerator.create({
    subject,
    issuer: isCa ? subject : new x509.X509Certificate(issuer.certificate).subject,
    publicKey,
    signingKey: await signingKey(issuer?.key, own),
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(Date.now() - BACKDATE_MS),
    notAfter: new Date(Date.now() + validMs),
    extensions,
  });
  return new Parsed(Buffer.from(made.rawData)).toString();
}

async function signingKey(
  pem: string | undefined,
  own: webcrypto.CryptoKey | undefined,
): Promise<webcrypto.CryptoKey> {
  if (pem === undefined) {
    if (own === undefined) throw new MeshError("internal", "the certificate has no issuer");
    return own;
  }
  const der = createPrivateKey(pem).export({ format: "der", type: "pkcs8" });
  return webcrypto.subtle.importKey("pkcs8", der, ALGORITHM, false, ["sign"]);
}
