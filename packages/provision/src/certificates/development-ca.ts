import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type CertificateFiles, writeSecret } from "@adaos/config";
import { namesHost, readCertificate } from "./certificate-files.ts";
import { certifyKey, type MadeCertificate, makeCertificate } from "./make-certificate.ts";

const DAY_MS = 86_400_000;
const CA_VALID_MS = 3650 * DAY_MS;
const VALID_MS = 397 * DAY_MS;
/** A certificate that expires within this time is renewed. */
const RENEW_MS = 30 * DAY_MS;

/** The development CA of a mesh, in the keys of its state folder: made once, renewed before it expires. */
export class DevelopmentCa {
  readonly #dir: string;
  readonly #own: MadeCertificate;
  readonly certFile: string;

  private constructor(dir: string, own: MadeCertificate) {
    this.#dir = dir;
    this.#own = own;
    this.certFile = caFiles(dir).certFile;
  }

  /** Rejects with `invalid-config` when its files are damaged or others may read its key. */
  static async open(stateDir: string): Promise<DevelopmentCa> {
    const dir = join(stateDir, "keys", "tls");
    const files = caFiles(dir);
    const kept = read(files);
    if (kept !== undefined && isLasting(new X509Certificate(kept.certificate))) {
      return new DevelopmentCa(dir, kept);
    }
    const own = await makeCertificate({ name: "AdaOS Mesh development CA", validMs: CA_VALID_MS });
    write(files, own);
    return new DevelopmentCa(dir, own);
  }

  /**
   * The certificate of this name, for a server with these hosts or for a client without hosts. An existing certificate
   * is kept while it is valid for them. Rejects with `invalid-config` when it is damaged or others may read its key.
   */
  async certificate(name: string, hosts: readonly string[] = []): Promise<CertificateFiles> {
    const files = { certFile: join(this.#dir, `${name}.pem`), keyFile: join(this.#dir, `${name}.key`) };
    const kept = read(files);
    if (kept === undefined || !this.#serves(new X509Certificate(kept.certificate), hosts)) {
      write(files, await makeCertificate({ name, hosts, validMs: VALID_MS, issuer: this.#own }));
    }
    return files;
  }

  /** A server's certificate for a key of another machine. PEM. */
  certify(name: string, publicKey: string, hosts: readonly string[]): Promise<string> {
    return certifyKey({ name, hosts, validMs: VALID_MS, issuer: this.#own }, publicKey);
  }

  #serves(certificate: X509Certificate, hosts: readonly string[]): boolean {
    const ca = new X509Certificate(this.#own.certificate);
    return (
      isLasting(certificate) &&
      certificate.verify(ca.publicKey) &&
      hosts.every((host) => namesHost(certificate, host))
    );
  }
}

function caFiles(dir: string): CertificateFiles {
  return { certFile: join(dir, "ca.pem"), keyFile: join(dir, "ca.key") };
}

function isLasting(certificate: X509Certificate): boolean {
  return Date.parse(certificate.validTo) - Date.now() > RENEW_MS;
}

/** Undefined when there is none yet. */
function read(files: CertificateFiles): MadeCertificate | undefined {
  if (!existsSync(files.certFile)) return undefined;
  readCertificate(files);
  return { certificate: readFileSync(files.certFile, "utf8"), key: readFileSync(files.keyFile, "utf8") };
}

/** Writes the certificate last: after an interruption both are made again, so certificate and key always match. */
function write({ certFile, keyFile }: CertificateFiles, { certificate, key }: MadeCertificate): void {
  rmSync(certFile, { force: true });
  writeSecret(keyFile, key);
  writeSecret(certFile, certificate);
}
