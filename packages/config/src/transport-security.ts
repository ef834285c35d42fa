import { z } from "zod";
import { assertPrivate, readSeed } from "./files/secret-file.ts";

/** A connection is encrypted, or stays on this machine, or the file states that it is plain. */

const file = z.string().min(1);
const plainReason = "leaves this machine unencrypted; set tls, or allowPlain: true if other means protect it";

const certificateFiles = {
  cert: file.describe("certificate, PEM"),
  key: file.describe("private key, PEM, of mode 0600"),
};
/** Whether clients and leaves must show a certificate of the same CA. */
const verify = z.boolean().default(false).describe("true: clients must show a certificate too");

/** `tls` of a mesh file. */
export const meshTlsSchema = z
  .union(
    [
      z.literal("development"),
      z.strictObject({ development: z.literal(true), verify }),
      z.strictObject({
        ca: file.describe("PEM of the CA that signed the certificates"),
        ...certificateFiles,
        verify,
      }),
    ],
    { error: "must be development, { development: true, verify } or { ca, cert, key, verify }" },
  )
  .describe("encrypts every connection; development: with a CA of this mesh, created in the state folder");

/** A certificate for the root or a subnet, in place of the mesh's. */
export const ownCertificateSchema = z
  .strictObject(certificateFiles)
  .optional()
  .describe("certificate and key of this server and its nodes, in place of those of the whole mesh");

/** Address of a server. */
export const listenSchema = {
  host: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/, "must be an IPv4 address or a name")
    .default("127.0.0.1")
    .describe("address where the server listens and others find it; 0.0.0.0: every address of this machine"),
  dial: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/, "must be an IPv4 address or a name")
    .optional()
    .describe("name or address by which others dial it, such as a container's; by default host"),
  allowPlain: z.literal(true).optional().describe("true: listens there without tls"),
};

/** Address of a server of the mesh. */
export interface ListenAddress {
  readonly host: string;
  /** The name or address by which others dial the server, where that is not `host`. */
  readonly dial?: string | undefined;
  /** The file allows this address without TLS. */
  readonly allowPlain?: true | undefined;
}

/** A client's certificate and trusted CA. */
const clientTlsSchema = z
  .strictObject({
    caFile: file.optional().describe("CA to trust; by default the CAs of Node"),
    certFile: file.optional(),
    keyFile: file.optional().describe("file of mode 0600"),
  })
  .refine(
    ({ certFile, keyFile }) => (certFile === undefined) === (keyFile === undefined),
    "certFile and keyFile go together",
  );

export const serverUrlSchema = z
  .string()
  .regex(/^(nats|tls):\/\/[^\s@]+$/, "must be nats://host:port or tls://host:port without a password");

/** `server` of a node file. */
export const serverAccessSchema = z
  .strictObject({
    url: serverUrlSchema,
    others: z
      .array(serverUrlSchema)
      .max(8)
      .optional()
      .describe("the other servers of the same cluster, for as long as the first is away"),
    seedFile: file.describe("file of mode 0600 with this node's nkey seed"),
    tls: clientTlsSchema.optional().describe("with a tls:// url"),
    allowPlain: z.literal(true).optional().describe("connect to another machine without tls"),
  })
  .superRefine(({ url, others = [], tls, allowPlain }, context) => {
    for (const [i, one] of [url, ...others].entries()) {
      const path = i === 0 ? ["url"] : ["others", i - 1];
      const message = plainUrlProblem([one], { tls: tls !== undefined, allowPlain });
      if (message !== undefined) context.addIssue({ code: "custom", path, message });
    }
  });

/** Why a client must not connect to these servers like that. Pure. @param how.tls Whether `tls` is set. */
export function plainUrlProblem(
  urls: readonly string[],
  how: { readonly tls: boolean; readonly allowPlain?: true | undefined },
): string | undefined {
  const plain = urls.filter((url) => !isEncrypted(url));
  if (how.tls && plain.length > 0) return "must be tls://host:port where tls is set";
  const leaves = how.allowPlain !== true && plain.some((url) => !isLoopback(hostOf(url)));
  return leaves ? plainReason : undefined;
}

/** A server's certificate, and its demands on clients. */
export const serverTlsSchema = z.strictObject({
  caFile: file,
  certFile: file,
  keyFile: file,
  verify: z.boolean(),
});

export type ClientTls = z.infer<typeof clientTlsSchema>;
export type ServerTls = z.infer<typeof serverTlsSchema>;

/** How the server beside a daemon listens and, for a hub, where it connects. */
interface Listening {
  readonly host: string;
  readonly tls?: ServerTls | undefined;
  readonly rootUrl?: string;
  readonly otherRootUrls?: readonly string[] | undefined;
  readonly allowPlain?: true | undefined;
}

/** Why a server must not listen or connect like that, by the key of the setting. */
export function plainProblem({
  host,
  tls,
  rootUrl,
  otherRootUrls = [],
  allowPlain,
}: Listening): { readonly key: "host" | "rootUrl" | "otherRootUrls"; readonly message: string } | undefined {
  if (allowPlain === true || tls !== undefined) return undefined;
  if (!isLoopback(host)) return { key: "host", message: plainReason };
  if (rootUrl !== undefined && !isLoopback(hostOf(rootUrl))) return { key: "rootUrl", message: plainReason };
  if (otherRootUrls.every((url) => isLoopback(hostOf(url)))) return undefined;
  return { key: "otherRootUrls", message: plainReason };
}

/** Why a server must not listen at, or be dialled by, an address of the mesh file without TLS. */
export function plainAddressProblem({
  host,
  dial,
  allowPlain,
}: ListenAddress): { readonly key: "host" | "dial"; readonly message: string } | undefined {
  const problem = plainProblem({ host, allowPlain });
  if (problem !== undefined) return { key: "host", message: problem.message };
  if (dial === undefined || plainProblem({ host: dial, allowPlain }) === undefined) return undefined;
  return { key: "dial", message: plainReason };
}

/** Everything needed to connect to a server. */
export interface ServerAccess {
  readonly url: string;
  /** The other servers of its cluster. */
  readonly others?: readonly string[];
  readonly seed: () => string;
  /** Files, not their text: a reconnect reads a renewed certificate. */
  readonly tls?: ClientTls;
}

/**
 * Reads an entry `server`. Throws `invalid-config` when a secret is missing or others may read it.
 * @param path Resolves a path of the entry.
 */
export function readServerAccess(
  {
    url,
    others,
    seedFile,
    tls,
  }: Pick<z.infer<typeof serverAccessSchema>, "url" | "seedFile" | "tls"> & {
    readonly others?: readonly string[] | undefined;
  },
  path: (path: string) => string = (absolute) => absolute,
): ServerAccess {
  const file = path(seedFile);
  // Problems show now; the file is read again at every connect, since the key may have been rotated.
  readSeed(file);
  const seed = (): string => readSeed(file);
  const where = others === undefined ? { url } : { url, others };
  if (tls === undefined) return { ...where, seed };
  const files = Object.entries(tls).flatMap(([key, name]) => (name === undefined ? [] : [[key, path(name)]]));
  const resolved: ClientTls = Object.fromEntries(files);
  if (resolved.keyFile !== undefined) assertPrivate(resolved.keyFile);
  return { ...where, seed, tls: resolved };
}

function isEncrypted(url: string): boolean {
  return url.startsWith("tls:");
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : url;
}

/** Whether traffic to a host stays on this machine. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}
