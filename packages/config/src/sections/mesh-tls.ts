import { resolve } from "node:path";
import type { z } from "zod";
import type { meshTlsSchema } from "../transport-security.ts";

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** How a mesh encrypts its connections; paths are absolute. */
export type MeshTls = {
  /** Clients must show a certificate too. */
  readonly verify: boolean;
} & (
  | { readonly development: true }
  | {
      readonly development: false;
      readonly caFile: string;
      /** By subnet; the root's under {@link ROOT_DOMAIN}. */
      readonly certificates: ReadonlyMap<string, CertificateFiles>;
    }
);

/**
 * The TLS settings of a mesh file.
 * @param servers By subnet, and the root's: each may have a certificate of its own.
 */
export function meshTlsOf(
  tls: z.output<typeof meshTlsSchema> | undefined,
  servers: ReadonlyMap<
    string,
    { readonly tls?: { readonly cert: string; readonly key: string } | undefined }
  >,
  dir: string,
): MeshTls | undefined {
  if (tls === undefined) return undefined;
  if (tls === "development") return { development: true, verify: false };
  if ("development" in tls) return tls;
  const certificates = [...servers].map(([name, own]) => {
    const { cert, key } = own.tls ?? tls;
    return [name, { certFile: resolve(dir, cert), keyFile: resolve(dir, key) }] as const;
  });
  return {
    development: false,
    verify: tls.verify,
    caFile: resolve(dir, tls.ca),
    certificates: new Map(certificates),
  };
}
