import { ROOT_DOMAIN } from "@adaos/core/wire";
import { z } from "zod";
import { rootNodeIds } from "../files/state-dir.ts";
import { listenSchema, ownCertificateSchema } from "../transport-security.ts";
import { encryptionSchema } from "./encryption-schema.ts";
import { nodeScrapeSchema } from "./scrape-access.ts";

export const portSchema = z.number().int().min(1).max(65_535).optional();

/** Entries of the root and of each subnet about its server. */
export const serverEntries = {
  ...listenSchema,
  tls: ownCertificateSchema,
  port: portSchema.describe("port for clients; by default a free port"),
  metrics: nodeScrapeSchema,
  encryption: encryptionSchema.describe("of this server's streams, in place of the mesh's"),
};

const leafPort = portSchema.describe("port for the hubs' connections; by default a free port");
const clusterPort = portSchema.describe(
  "port for the other servers of the root; by default a free port. With one server there is none",
);

/** One of several servers of the root. */
const rootServerSchema = z.strictObject({
  host: listenSchema.host.unwrap().optional().describe("address of this server; by default that of root"),
  dial: listenSchema.dial,
  tls: ownCertificateSchema,
  port: serverEntries.port,
  leafPort,
  clusterPort,
});

type RootServerEntry = z.output<typeof rootServerSchema>;

const isOdd = (count: number): boolean => count % 2 === 1;
const HOW_MANY = "must be 1, 3 or 5, or a list of 1, 3 or 5 servers: of an even number no more may fail";

/** `root` of a mesh file, with one entry for each server and the number of daemons. */
export const rootSchema = z
  .strictObject({
    ...serverEntries,
    leafPort,
    clusterPort,
    servers: z
      .union(
        [
          z.literal([1, 3, 5]),
          z
            .array(rootServerSchema)
            .min(1)
            .max(5)
            .refine(({ length }) => isOdd(length), HOW_MANY),
        ],
        { error: HOW_MANY },
      )
      .default(1)
      .describe(
        "servers of the root, a JetStream cluster when there are several: each keeps all events, and the mesh works while more than half of them run. A list gives each its own address",
      ),
    daemons: z
      .number()
      .int()
      .min(1)
      .max(9)
      .optional()
      .describe(
        "number of root daemons, by default one for each server; one of them serves each link at a time, the others stand by",
      ),
  })
  .refine(({ servers, daemons = 0 }) => daemons < 1 || daemons >= countOf(servers), {
    path: ["daemons"],
    error: "must not be less than servers: a daemon keeps the config of the server beside it",
  })
  .transform(({ servers, daemons, ...root }) => ({
    ...root,
    servers: typeof servers === "number" ? Array.from({ length: servers }, () => ({})) : servers,
    daemons: daemons ?? countOf(servers),
  }));

export type RootEntries = z.output<typeof rootSchema>;
/** What one server of the root is started with. */
export type OneRootServer = Omit<RootEntries, "servers" | "daemons" | "metrics">;

function countOf(servers: number | readonly RootServerEntry[]): number {
  return typeof servers === "number" ? servers : servers.length;
}

/** The servers of the root by name: `root`, `root-2`, `root-3`. A port of `root` itself is that of the first. Pure. */
export function rootServersOf({ servers, ...root }: RootEntries): Map<string, OneRootServer> {
  const { daemons: _, metrics: __, port, leafPort: leaf, clusterPort: cluster, ...shared } = root;
  return new Map(
    rootNodeIds(servers.length).map((name, i) => {
      const own: RootServerEntry = servers[i] ?? {};
      const first = name === ROOT_DOMAIN ? { port, leafPort: leaf, clusterPort: cluster } : {};
      const given = Object.entries(own).filter(([, value]) => value !== undefined);
      return [name, { ...shared, ...first, ...Object.fromEntries(given) }];
    }),
  );
}

/** Path of the entry that says where a server of the root listens, or is dialled. Pure. */
export function rootServerPath({ servers }: RootEntries, name: string): string[] {
  const at = rootNodeIds(servers.length).indexOf(name);
  const own: RootServerEntry = servers[at] ?? {};
  const isOwn = own.host !== undefined || own.dial !== undefined;
  return isOwn ? ["root", "servers", String(at)] : ["root"];
}
