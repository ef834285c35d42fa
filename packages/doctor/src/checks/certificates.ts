import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { messageOf } from "@adaos/core/wire";
import type { Finding, Scene } from "../check.ts";
import { startCommand } from "./processes.ts";

const DAY_MS = 86_400_000;
const SOON_DAYS = 7;
/** `adaos up` renews those of the development CA that end within as many days. */
const NEAR_DAYS = 30;

interface CertificateEntry {
  readonly certFile: string;
  readonly keyFile: string | undefined;
  readonly caFile: string | undefined;
}

/** Whether each certificate serves, belongs to its key and its CA, and does not end soon. */
export async function certificates(scene: Scene): Promise<readonly Finding[]> {
  const entries = new Map<string, CertificateEntry>();
  const note = (found: readonly CertificateEntry[]): void => {
    for (const entry of found) entries.set(JSON.stringify(entry), entry);
  };
  for (const { tls } of scene.layout.servers) note(entriesIn(tls, (path) => path));
  for (const { nodeFile } of scene.layout.nodes) {
    const text = await readFile(nodeFile, "utf8").catch(() => "null");
    note(entriesIn(parsed(text), (path) => resolve(dirname(nodeFile), path)));
  }
  const judged = await Promise.all([...entries.values()].map((entry) => judge(entry, scene)));
  // A CA stands beside each certificate of it.
  return [...new Map(judged.flat().map((finding) => [finding.about + finding.problem, finding])).values()];
}

/** The check of files reports a file that is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** All entries that name a certificate, or a CA alone, at any depth. Pure. */
function entriesIn(value: unknown, path: (path: string) => string): CertificateEntry[] {
  if (typeof value !== "object" || value === null) return [];
  const { certFile, keyFile, caFile } = value as Partial<Record<string, unknown>>;
  const file = (name: unknown): string | undefined => (typeof name === "string" ? path(name) : undefined);
  const [cert, ca] = [file(certFile), file(caFile)];
  const own = [
    ...(cert === undefined ? [] : [{ certFile: cert, keyFile: file(keyFile), caFile: ca }]),
    ...(ca === undefined ? [] : [{ certFile: ca, keyFile: undefined, caFile: undefined }]),
  ];
  return [...own, ...Object.values(value).flatMap((inner) => entriesIn(inner, path))];
}

async function judge({ certFile, keyFile, caFile }: CertificateEntry, scene: Scene): Promise<Finding[]> {
  const mend = certFile.startsWith(scene.stateDir)
    ? `adaos down --state ${scene.stateDir} && ${startCommand(scene)}`
    : `openssl x509 -noout -subject -dates -in ${certFile}`;
  const finding = (level: Finding["level"], problem: string, why: string): Finding[] => {
    return [{ level, about: certFile, problem, why, mend }];
  };
  try {
    const certificate = new X509Certificate(await readFile(certFile));
    const { validFrom, validTo } = certificate;
    const days = (Date.parse(validTo) - scene.nowMs) / DAY_MS;
    const why = `it is valid from ${validFrom} to ${validTo}`;
    if (days < 0) return finding("fault", "the certificate has ended", why);
    if (Date.parse(validFrom) > scene.nowMs) return finding("fault", "the certificate is not valid yet", why);
    if (keyFile !== undefined && !certificate.checkPrivateKey(createPrivateKey(await readFile(keyFile))))
      return finding("fault", "the certificate is not that of its key", `${keyFile} is another key`);
    if (caFile !== undefined && !(await isIssuedBy(certificate, caFile)))
      return finding("fault", "the certificate is not of its CA", `${caFile} has not signed it`);
    if (days < NEAR_DAYS)
      return finding(days < SOON_DAYS ? "fault" : "notice", `ends in ${Math.floor(days)} days`, why);
    return [];
  } catch (thrown) {
    return finding("fault", "the certificate cannot be used", messageOf(thrown));
  }
}

/** Whether a CA of the file has signed it. A certificate with a CA between the two cannot be judged here. */
async function isIssuedBy(certificate: X509Certificate, caFile: string): Promise<boolean> {
  const text = await readFile(caFile, "utf8");
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  const cas = blocks.map((block) => new X509Certificate(block));
  const named = cas.filter((ca) => certificate.issuer === ca.subject);
  return named.length === 0 || named.some((ca) => certificate.verify(ca.publicKey));
}
