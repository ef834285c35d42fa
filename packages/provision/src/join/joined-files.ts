import { join } from "node:path";

/** Where a machine that joins keeps what the root's development CA gives it. */
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
