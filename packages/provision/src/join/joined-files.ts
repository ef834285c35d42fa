import { join } from "node:path";

/** Paths of the certificates that a joining machine gets from the root's development CA. */
export function joinedCertificateFiles(
  stateDir: string,
  subnet: string,
): { readonly caFile: string; readonly certFile: string; readonly keyFile: string } {
  const dir = join(stateDir, "keys", "tls");
  return {
    caFile: join(dir, "ca.pem"),
    certFile: join(dir, "servers", `${subnet}.pem`),
    keyFile: join(dir, "servers", `${subnet}.key`),
  };
}
