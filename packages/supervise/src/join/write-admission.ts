import { mkdirSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { writeSecret, writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import {
  type Admission,
  joinedCertificateFiles,
  type Layout,
  signatureKeyPath,
  writeLayout,
} from "@adaos/provision";

/**
 * Writes everything that the root has sent; nothing runs from this folder meanwhile. The layout last: a folder without
 * one has not joined. Throws `denied` for files outside of the folder.
 */
export function writeAdmission(admission: Admission, subnet: string, stateDir: string): Layout {
  assertOwnFiles(admission, stateDir);
  writeSecrets(admission, subnet, stateDir);
  for (const [file, text] of admission.files) writeWhole(file, text);
  mkdirSync(join(stateDir, "logs"), { recursive: true, mode: 0o700 });
  const joined = admission.layout as unknown as Layout;
  writeLayout(stateDir, joined);
  return joined;
}

/** Throws `denied` when the root names a file that is none of a node or server of this folder. */
export function assertOwnFiles({ layout, files }: Admission, stateDir: string): void {
  const own = ["nodes", "servers"].map((folder) => join(stateDir, folder) + sep);
  const named = [
    ...layout.servers.map(({ configFile }) => configFile),
    ...layout.nodes.map(({ nodeFile }) => nodeFile),
  ];
  for (const file of [...files.map(([path]) => path), ...named]) {
    if (resolve(file) === file && own.some((folder) => file.startsWith(folder))) continue;
    throw new MeshError("denied", `the root names a file outside of ${stateDir}; nothing was written`);
  }
}

/** Writes signature keys and certificates. They come before the files that name them. */
export function writeSecrets(
  { signatureKeys, ca, certificate }: Admission,
  subnet: string,
  stateDir: string,
): void {
  const { caFile, certFile } = joinedCertificateFiles(stateDir, subnet);
  for (const { subnet: of, id, text } of signatureKeys)
    writeSecret(join(stateDir, "keys", signatureKeyPath(of, id)), text);
  if (ca !== undefined) writeSecret(caFile, ca);
  if (certificate !== undefined) writeSecret(certFile, certificate);
}
