import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { assertPrivate, type CertificateFiles } from "@adaos/config";
import { MeshError } from "@adaos/core";

/** Reads a certificate whose key is beside it. Throws `invalid-config` when they do not belong together. */
export function readCertificate({ certFile, keyFile }: CertificateFiles): X509Certificate {
  assertPrivate(keyFile);
  let belongs: boolean;
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(readFileSync(certFile));
    belongs = certificate.checkPrivateKey(createPrivateKey(readFileSync(keyFile)));
  } catch (cause) {
    throw MeshError.from(
      cause,
      "invalid-config",
      `${certFile} and ${keyFile} are not a certificate and its key`,
    );
  }
  if (!belongs) throw new MeshError("invalid-config", `${keyFile} is not the key of ${certFile}`);
  return certificate;
}

/** Whether a certificate is for this host. */
export function namesHost(certificate: X509Certificate, host: string): boolean {
  return (isIP(host) > 0 ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined;
}
