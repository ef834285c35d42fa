import { dirname, resolve } from "node:path";
import type { Mesh } from "@adaos/core";
import { DATA_CLASSES, DEFAULT_TENANT, type Region, ROOT_DOMAIN } from "@adaos/core/wire";
import { z } from "zod";
import { patternSchema, tokenOf } from "../policy-rule.ts";
import { type ClientTls, plainUrlProblem, serverUrlSchema } from "../transport-security.ts";

const file = z.string().min(1);
const patterns = z.array(patternSchema).max(10_000).default([]);
/** Far more than a person links by hand; each opens a connection. */
const MAX_REGIONS = 64;
const MAX_SUBNETS = 1000;

const foreignSubnet = z.strictObject({
  members: z
    .array(tokenOf("member"))
    .max(1000)
    .optional()
    .describe("the members whose events are taken; by default any member's"),
});

const regionSchema = z.strictObject({
  url: z
    .union([serverUrlSchema.transform((url) => [url]), z.array(serverUrlSchema).min(1).max(5)])
    .optional()
    .describe(
      "server of that region's root, tls://host:4222, or a list of all its servers; without it nothing comes from there",
    ),
  key: z
    .string()
    .regex(
      /^U[A-Z2-7]{55}$/,
      "must be the public key that adaos region key prints there: U and 55 characters",
    )
    .optional()
    .describe(
      "public key by which that region pulls here, as adaos region key prints it there; without it nothing goes there",
    ),
  tls: z
    .strictObject({
      ca: file.optional().describe("PEM of the CA that signed the certificate of that region's root"),
      cert: file.optional().describe("PEM of a certificate for that root, where it asks for one"),
      key: file.optional().describe("its key, of mode 0600"),
    })
    .refine(({ cert, key }) => (cert === undefined) === (key === undefined), "cert and key go together")
    .optional()
    .describe("with tls:// urls; without ca the system's CAs are trusted"),
  allowPlain: z.literal(true).optional().describe("true: connects to another machine without tls"),
  tenant: tokenOf("tenant")
    .default(DEFAULT_TENANT)
    .describe("tenant whose events are exchanged; events of other tenants neither go nor come"),
  clearance: z
    .array(z.enum(DATA_CLASSES))
    .max(DATA_CLASSES.length)
    .default([])
    .describe("classes of data that may go there; events with data of other classes stay here"),
  export: patterns.describe("events of own subnets that go there, of those that the subnets export"),
  import: patterns.describe("events that come from there; the subnets' import decides where they go"),
  subnets: z
    .union([
      z.array(tokenOf("subnet")).max(MAX_SUBNETS),
      z
        .record(tokenOf("subnet"), foreignSubnet)
        .refine((subnets) => Object.keys(subnets).length <= MAX_SUBNETS, `must be ${MAX_SUBNETS} at most`),
    ])
    .default([])
    .describe("subnets of that region whose events come here: a list, or a map with the members of each"),
});

/** `regions` of a mesh file, by the names of their meshes. */
export const regionsSchema = z
  .record(tokenOf("region"), regionSchema)
  .refine((regions) => Object.keys(regions).length <= MAX_REGIONS, `must be ${MAX_REGIONS} at most`)
  .default({})
  .describe(
    "other meshes with which this root exchanges events, by the name in their own mesh file; each has its own operator, keys and registry",
  );

type RegionValue = z.output<typeof regionSchema>;

interface MeshWithRegions {
  readonly mesh: string;
  readonly transport: "nats" | "local";
  readonly subnets: Readonly<Record<string, unknown>>;
  readonly regions: Readonly<Record<string, RegionValue>>;
}

/** How the root reaches another region, and lets it in. Paths are absolute. */
export interface RegionAccess {
  /** Undefined: nothing comes from there. */
  readonly urls: readonly string[] | undefined;
  /** Public nkey; undefined: nothing goes there. */
  readonly key: string | undefined;
  readonly tls: ClientTls | undefined;
  readonly allowPlain: true | undefined;
}

/** The regions as policy knows them; nothing for a mesh without any. Pure. */
export function regionsOf({ regions: declared }: MeshWithRegions): Pick<Mesh, "regions"> {
  const entries = Object.entries(declared);
  if (entries.length === 0) return {};
  const regions = new Map<string, Region>(
    entries.map(([name, region]) => {
      const { tenant, clearance, export: exports, import: imports, subnets } = region;
      const origins = Array.isArray(subnets)
        ? subnets.map((subnet) => [subnet, undefined] as const)
        : Object.entries(subnets).map(([subnet, { members }]) => {
            return [subnet, members === undefined ? undefined : new Set(members)] as const;
          });
      return [name, { name, tenant, clearance, exports, imports, subnets: new Map(origins) }] as const;
    }),
  );
  return { regions };
}

/** How each region is reached. Pure. @param file The mesh file: paths are relative to it. */
export function regionAccess({ regions }: MeshWithRegions, file: string): ReadonlyMap<string, RegionAccess> {
  const dir = dirname(resolve(file));
  const placed = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : resolve(dir, path);
  return new Map(
    Object.entries(regions).map(([name, { url: urls, key, tls, allowPlain }]) => {
      const files = [
        ["caFile", placed(tls?.ca)],
        ["certFile", placed(tls?.cert)],
        ["keyFile", placed(tls?.key)],
      ].filter(([, path]) => path !== undefined);
      return [
        name,
        {
          urls,
          key,
          allowPlain,
          tls: tls === undefined ? undefined : (Object.fromEntries(files) as ClientTls),
        },
      ] as const;
    }),
  );
}

interface Problem {
  readonly path: string[];
  readonly message: string;
}

/** Names that two regions share, links that could carry nothing, and connections without encryption. Pure. */
export function regionProblems(value: MeshWithRegions): Problem[] {
  const { mesh, transport, regions } = value;
  const entries = Object.entries(regions);
  const first = entries[0];
  if (first !== undefined && transport === "local") {
    const message = "needs transport: nats; a mesh in one process has no root";
    return [{ path: ["regions", first[0]], message }];
  }
  const keys = new Map<string, string>();
  const owners = new Map(Object.keys(value.subnets).map((name) => [name, "this mesh"]));
  return entries.flatMap(([name, region]) => {
    const problem = (key: string, message: string): Problem => ({ path: ["regions", name, key], message });
    const own = name === mesh ? [{ path: ["regions", name], message: "is the name of this mesh" }] : [];
    return [...own, ...nameProblems(name, region, owners), ...accessProblems(region, name, keys, problem)];
  });
}

/** @param owners The subnets that are known by now, and who has them; adds those of this region. */
function nameProblems(name: string, { subnets }: RegionValue, owners: Map<string, string>): Problem[] {
  const named = Array.isArray(subnets) ? subnets.map((subnet, i) => [subnet, String(i)]) : undefined;
  const places = named ?? Object.keys(subnets).map((subnet) => [subnet, subnet]);
  return places.flatMap(([subnet = "", key = ""]) => {
    const owner = owners.get(subnet);
    owners.set(subnet, `the region ${name}`);
    if (subnet === ROOT_DOMAIN) {
      const message = "root is the name of this root; that region must give its subnet another name";
      return [{ path: ["regions", name, "subnets", key], message }];
    }
    if (owner === undefined) return [];
    const message = `${subnet} is a subnet of ${owner} too; linked regions need different names, so rename one`;
    return [{ path: ["regions", name, "subnets", key], message }];
  });
}

/** @param keys The public keys that are known by now, and whose they are; adds that of this region. */
function accessProblems(
  region: RegionValue,
  name: string,
  keys: Map<string, string>,
  problem: (key: string, message: string) => Problem,
): Problem[] {
  const { url, key, tls, allowPlain, export: exports, import: imports, subnets } = region;
  const problems: Problem[] = [];
  if (url !== undefined) {
    const plain = plainUrlProblem(url, { tls: tls !== undefined, allowPlain });
    if (plain !== undefined) problems.push(problem("url", plain));
  }
  const other = key === undefined ? undefined : keys.get(key);
  if (key !== undefined) keys.set(key, name);
  if (other !== undefined)
    problems.push(problem("key", `is the key of ${other} too; each region prints another one`));
  const origins = Array.isArray(subnets) ? subnets.length : Object.keys(subnets).length;
  if (imports.length > 0 && url === undefined)
    problems.push(problem("import", "needs url: the servers of that region's root"));
  if (imports.length > 0 && origins === 0)
    problems.push(problem("import", "needs subnets: those of that region whose events come here"));
  if (exports.length > 0 && key === undefined)
    problems.push(problem("export", "needs key: what adaos region key prints on that region's machine"));
  return problems;
}
