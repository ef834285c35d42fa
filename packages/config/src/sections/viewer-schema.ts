import { resolve } from "node:path";
import { z } from "zod";
import { isLoopback } from "../transport-security.ts";

const file = z.string().min(1);
const MAX_ORIGINS = 20;

const originSchema = z
  .string()
  .regex(
    /^https?:\/\/[a-z0-9.-]{1,253}(:\d{1,5})?$/,
    "must be an origin, such as https://panel.example or http://127.0.0.1:5173",
  );

/** `viewer` of a mesh file. Beyond this machine it needs TLS; a token it needs everywhere. */
export const viewerSchema = z
  .strictObject({
    host: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/, "must be an IPv4 address or a name")
      .default("127.0.0.1")
      .describe("address where the viewer listens; beyond loopback it needs tls"),
    port: z.number().int().min(1).max(65_535).default(7480).describe("port of the viewer"),
    tls: z
      .strictObject({
        cert: file.describe("certificate, PEM"),
        key: file.describe("private key, PEM, of mode 0600"),
      })
      .optional()
      .describe("serves over TLS"),
    origins: z
      .array(originSchema)
      .max(MAX_ORIGINS)
      .default([])
      .describe("names of the viewer beside its address, and the pages of others that may use its API"),
  })
  .superRefine(({ host, tls }, context) => {
    if (tls !== undefined || isLoopback(host)) return;
    const message = "is missing: tokens and events would be sent unencrypted to other machines";
    context.addIssue({ code: "custom", path: ["tls"], message });
  })
  .optional()
  .describe("a page in the browser that shows this mesh; adaos up serves it, adaos view opens it");

/** Where the viewer listens. */
export interface ViewerSettings {
  readonly host: string;
  readonly port: number;
  /** Absolute paths. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  readonly origins: readonly string[];
}

/** Relative paths are resolved from `dir`. Pure. */
export function placedViewer(viewer: z.infer<typeof viewerSchema>, dir: string): ViewerSettings | undefined {
  if (viewer === undefined) return undefined;
  const { tls, ...rest } = viewer;
  if (tls === undefined) return rest;
  return { ...rest, tls: { certFile: resolve(dir, tls.cert), keyFile: resolve(dir, tls.key) } };
}
