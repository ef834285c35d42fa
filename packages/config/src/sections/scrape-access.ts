import { isAbsolute, resolve } from "node:path";
import { z } from "zod";
import { hubNodeIds, nodeId, rootNodeIds } from "../files/state-dir.ts";
import { isLoopback } from "../transport-security.ts";

/**
 * The addresses at which daemons let collectors of other machines scrape them. Such an address is encrypted and
 * authenticates collectors, or the file states that it is plain.
 */

const file = z.string().min(1);

const tlsSchema = z.strictObject({
  cert: file.describe("certificate, PEM"),
  key: file.describe("private key, PEM, of mode 0600"),
  clientCa: file.optional().describe("CA that must have signed the collector's certificate"),
});

const shared = {
  host: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/, "must be an IPv4 address or a name")
    .optional()
    .describe("address where collectors of other machines scrape; 0.0.0.0: every address of this machine"),
  tokenFile: file.optional().describe("file of mode 0600 with the token that a collector must show"),
  tls: tlsSchema.optional().describe("serves over TLS"),
  allowPlain: z.literal(true).optional().describe("true: serves without tls beyond this machine"),
};

/** `metrics` of a mesh file: the common settings of its nodes. */
export const meshScrapeSchema = z
  .strictObject(shared)
  .prefault({})
  .describe("how collectors of other machines scrape the nodes that have a metrics port");

/** `metrics` of one node: its port, and its differing settings. */
export const nodeScrapeSchema = z
  .strictObject({
    port: z.number().int().min(1).max(65_535).describe("port where collectors of other machines scrape it"),
    ...shared,
  })
  .optional();

/** `metrics` of a node file; paths are relative to it. */
export const scrapeAddressSchema = z
  .strictObject({
    host: z.string(),
    port: z.number().int().min(1).max(65_535),
    tokenFile: file.optional(),
    tls: z.strictObject({ certFile: file, keyFile: file, clientCaFile: file.optional() }).optional(),
    allowPlain: z.literal(true).optional(),
  })
  .superRefine((address, context) => {
    const problem = openProblem(address);
    if (problem !== undefined)
      context.addIssue({ code: "custom", path: [problem.key], message: problem.message });
  })
  .describe("where collectors of other machines scrape; loopback is served at http, without a token");

export type ScrapeAddress = z.infer<typeof scrapeAddressSchema>;

type Shared = z.infer<typeof meshScrapeSchema>;
type OfNode = NonNullable<z.infer<typeof nodeScrapeSchema>>;

/** The scrape settings of a mesh file. */
interface ScrapeEntries {
  readonly metrics: Shared;
  readonly root: { readonly metrics?: OfNode | undefined; readonly daemons: number };
  readonly subnets: Readonly<
    Record<
      string,
      {
        readonly metrics?: OfNode | undefined;
        readonly remote?: true | undefined;
        readonly servers: { readonly length: number };
        readonly members: Readonly<
          Record<string, { readonly metrics?: OfNode | undefined; readonly remote?: true | undefined }>
        >;
      }
    >
  >;
}

interface Entry {
  readonly path: readonly string[];
  readonly ids: readonly string[];
  /** Its files are on another machine. */
  readonly isRemote: boolean;
  readonly own: OfNode;
}

/** Scrape addresses for other machines, by node id. Relative paths are resolved from `dir`. Pure. */
export function scrapeAddresses(value: ScrapeEntries, dir: string): ReadonlyMap<string, ScrapeAddress> {
  const addresses = new Map<string, ScrapeAddress>();
  for (const { ids, isRemote, own } of entriesOf(value)) {
    const ofMesh = isRemote ? {} : value.metrics;
    // Several daemons of a root or of a hub take the ports after the first one's.
    for (const [i, id] of ids.entries())
      addresses.set(id, addressOf(ofMesh, { ...own, port: own.port + i }, dir));
  }
  return addresses;
}

/** The problems of the scrape settings. Pure. */
export function scrapeProblems(value: ScrapeEntries): { path: string[]; message: string }[] {
  return [...entriesOf(value)].flatMap(({ path, isRemote, own }) => {
    const problem = openProblem(addressOf(isRemote ? {} : value.metrics, own, "/"));
    if (problem !== undefined) return [{ path: [...path, problem.key], message: problem.message }];
    if (!isRemote || pathsAreAbsolute(own)) return [];
    return [{ path: [...path], message: "is on another machine: name its files by absolute paths" }];
  });
}

function* entriesOf({ root, subnets }: ScrapeEntries): Generator<Entry> {
  if (root.metrics !== undefined)
    yield { path: ["root", "metrics"], ids: rootNodeIds(root.daemons), isRemote: false, own: root.metrics };
  for (const [subnet, { metrics, remote, servers, members }] of Object.entries(subnets)) {
    const path = ["subnets", subnet];
    const ids = hubNodeIds(subnet, servers.length);
    if (metrics !== undefined)
      yield { path: [...path, "metrics"], ids, isRemote: remote === true, own: metrics };
    for (const [node, member] of Object.entries(members)) {
      if (member.metrics === undefined) continue;
      const isRemote = (remote ?? member.remote) === true;
      const ids = [nodeId({ subnet, node })];
      yield { path: [...path, "members", node, "metrics"], ids, isRemote, own: member.metrics };
    }
  }
}

function addressOf(ofMesh: Shared, { port, ...ofNode }: OfNode, dir: string): ScrapeAddress {
  const { host = "0.0.0.0", tokenFile, tls, allowPlain } = { ...ofMesh, ...ofNode };
  return {
    host,
    port,
    ...(tokenFile === undefined ? {} : { tokenFile: resolve(dir, tokenFile) }),
    ...(tls === undefined
      ? {}
      : {
          tls: {
            certFile: resolve(dir, tls.cert),
            keyFile: resolve(dir, tls.key),
            ...(tls.clientCa === undefined ? {} : { clientCaFile: resolve(dir, tls.clientCa) }),
          },
        }),
    ...(allowPlain === undefined ? {} : { allowPlain }),
  };
}

/** Why a node must not be scraped like that, by the key to correct. Pure. */
function openProblem({
  host,
  tokenFile,
  tls,
  allowPlain,
}: ScrapeAddress): { readonly key: string; readonly message: string } | undefined {
  if (isLoopback(host)) return undefined;
  if (tokenFile === undefined && tls?.clientCaFile === undefined)
    return {
      key: "tokenFile",
      message: "is missing: every machine that reaches the port could read it; or set tls.clientCa",
    };
  if (tls !== undefined || allowPlain === true) return undefined;
  return { key: "tls", message: "is missing: the token would be sent unencrypted; or set allowPlain: true" };
}

function pathsAreAbsolute({ tokenFile, tls }: Shared): boolean {
  const files = [tokenFile, tls?.cert, tls?.key, tls?.clientCa];
  return files.every((path) => path === undefined || isAbsolute(path));
}
