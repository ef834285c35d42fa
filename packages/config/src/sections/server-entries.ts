import { ROOT_DOMAIN } from "@adaos/core/wire";
import { z } from "zod";
import { numberedNames } from "../files/state-dir.ts";
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
const hubClusterPort = portSchema.describe(
  "port for the other servers of this hub; by default a free port. With one server there is none",
);

/** One of several servers of a hub. */
const hubServerSchema = z.strictObject({
  host: listenSchema.host
    .unwrap()
    .optional()
    .describe("address of this server; by default that of the subnet"),
  dial: listenSchema.dial,
  tls: ownCertificateSchema,
  port: serverEntries.port,
  clusterPort: hubClusterPort,
});

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
type HubServerEntry = z.output<typeof hubServerSchema>;

const isOdd = (count: number): boolean => count % 2 === 1;
const HOW_MANY = "must be 1, 3 or 5, or a list of 1, 3 or 5 servers: of an even number no more may fail";

/** A number of servers, or a list with an entry for each. */
function serversSchema<T extends z.ZodType>(server: T) {
  return z
    .union(
      [
        z.literal([1, 3, 5]),
        z
          .array(server)
          .min(1)
          .max(5)
          .refine(({ length }) => isOdd(length), HOW_MANY),
      ],
      {
        error: HOW_MANY,
      },
    )
    .default(1);
}

/** Entries of a subnet about the servers of its hub. */
export const hubServersEntries = {
  clusterPort: hubClusterPort,
  servers: serversSchema(hubServerSchema)
    .describe(
      "servers of the hub, a JetStream cluster when there are several: each keeps all that the hub keeps, and the subnet works while more than half of them run. A list gives each its own address",
    )
    .transform((servers) => listOf(servers)),
};

/** `root` of a mesh file, with one entry for each server and the number of daemons. */
export const rootSchema = z
  .strictObject({
    ...serverEntries,
    leafPort,
    clusterPort,
    servers: serversSchema(rootServerSchema).describe(
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
  .refine(({ servers, daemons = 0 }) => daemons < 1 || daemons >= listOf(servers).length, {
    path: ["daemons"],
    error: "must not be less than servers: a daemon keeps the config of the server beside it",
  })
  .transform(({ servers, daemons, ...root }) => ({
    ...root,
    servers: listOf(servers),
    daemons: daemons ?? listOf(servers).length,
  }));

export type RootEntries = z.output<typeof rootSchema>;

function listOf<T extends object>(servers: number | readonly T[]): readonly (T | Record<string, never>)[] {
  return typeof servers === "number" ? Array.from({ length: servers }, () => ({})) : servers;
}

/** What one server is started with. */
export type OneServer = Pick<
  RootEntries,
  "host" | "dial" | "tls" | "allowPlain" | "port" | "leafPort" | "clusterPort"
>;

/** The entries of the root, or of a subnet, about its servers. */
export type Servers = Omit<OneServer, "leafPort"> & {
  readonly leafPort?: number | undefined;
  readonly servers: readonly (RootServerEntry | HubServerEntry | Record<string, never>)[];
};

/**
 * The servers of the root or of a hub by name: `root`, `root-2`, `root-3`. A port beside `servers` is that of the
 * first. Pure.
 */
export function serversOf(of: string, entries: Servers): Map<string, OneServer> {
  const { host, dial, tls, allowPlain, port, leafPort: leaf, clusterPort: cluster, servers } = entries;
  return new Map(
    numberedNames(of, servers.length).map((name, i) => {
      const first = i === 0 ? { port, leafPort: leaf, clusterPort: cluster } : {};
      const given = Object.entries(servers[i] ?? {}).filter(([, value]) => value !== undefined);
      return [name, { host, dial, tls, allowPlain, ...first, ...Object.fromEntries(given) }];
    }),
  );
}

/** Path of the entry that says where a server of the root or of a hub listens, or is dialled. Pure. */
export function serverPath(of: string, { servers }: Pick<Servers, "servers">, name: string): string[] {
  const at = numberedNames(of, servers.length).indexOf(name);
  const own: HubServerEntry = servers[at] ?? {};
  const entry = of === ROOT_DOMAIN ? [ROOT_DOMAIN] : ["subnets", of];
  return own.host !== undefined || own.dial !== undefined ? [...entry, "servers", String(at)] : entry;
}
