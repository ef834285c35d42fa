import { createHash } from "node:crypto";
import { dirname, resolve } from "node:path";
import { MeshError } from "@adaos/core";
import { DATA_CLASSES, DEFAULT_TENANT, FORMATS, inFormat } from "@adaos/core/wire";
import { z } from "zod";
import { compiledPolicySchema } from "./compiled-policy.ts";
import { enableMetricsSchema, idempotencySchema } from "./mesh-file.ts";
import { rateLimitSchema, rateSchema } from "./policy-rule.ts";
import { alertsSchema } from "./sections/alert-settings.ts";
import { probesSchema } from "./sections/member/probes-schema.ts";
import { scenariosSchema } from "./sections/member/scenarios-schema.ts";
import { nodeSkillsSchema } from "./sections/member/skills-schema.ts";
import { timerDefinitionSchema } from "./sections/member/timers-schema.ts";
import { autoApplySchema } from "./sections/registry-schema.ts";
import { scrapeAddressSchema } from "./sections/scrape-access.ts";
import { streamLimitsSchema } from "./sections/stream-limits.ts";
import { tracingSchema } from "./sections/tracing.ts";
import { floodSchema, outboxLimitsSchema } from "./sections/traffic-schema.ts";
import { nodeSignaturesSchema } from "./signature-keys.ts";
import { readYamlFile, shownPath } from "./text/yaml-file.ts";
import { plainProblem, serverAccessSchema, serverTlsSchema } from "./transport-security.ts";

/**
 * A node file contains what one daemon needs and nothing else: a member's file has its own rules, a hub's those of
 * its subnet, the root's the exports and imports. Paths are relative to the file.
 */

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);
const publicKey = z.string().regex(/^U[A-Z2-7]{55}$/, "must be the public nkey of a user");

const common = {
  mesh: name,
  signatures: nodeSignaturesSchema,
  server: serverAccessSchema,
  http: z
    .strictObject({
      host: z.string().default("127.0.0.1"),
      port: z.number().int().min(0).max(65_535).default(0),
    })
    .prefault({})
    .describe("health and status; port 0 takes a free one, written to runFile"),
  metrics: scrapeAddressSchema.optional(),
  runFile: z.string().optional().describe("written while the daemon runs: its process id and HTTP address"),
  log: z
    .strictObject({
      level: z.enum(["debug", "info", "warn", "error"]).default("info"),
      file: z.string().optional().describe("JSON lines, rotated at 10 MB; standard output when not given"),
    })
    .prefault({}),
  tracing: tracingSchema,
};

/** Of the server beside a daemon. */
const natsServer = {
  configFile: z.string().min(1),
  systemSeedFile: z.string().min(1),
  host: z.string(),
  port: z.number().int(),
  storeDir: z.string().min(1),
  logFile: z.string().optional(),
  durability: z.enum(["synced", "relaxed"]),
  systemKey: publicKey,
  encryption: z
    .strictObject({ cipher: z.enum(["chacha", "aes"]), keyInclude: z.string().min(1) })
    .optional()
    .describe("keyInclude: file of the key, relative to the server's config"),
  tls: serverTlsSchema.optional(),
  allowPlain: z.literal(true).optional().describe("listen and connect beyond this machine without tls"),
};

const positionsSchema = z
  .string()
  .min(1)
  .optional()
  .describe(
    "file for the positions of streams and durables, by which a damaged store is noticed and repaired",
  );

/** Refuses a server that would communicate unencrypted beyond this machine. */
function refusePlain(
  server: Parameters<typeof plainProblem>[0],
  context: { addIssue(issue: { code: "custom"; path: string[]; message: string }): void },
): void {
  const problem = plainProblem(server);
  if (problem !== undefined)
    context.addIssue({ code: "custom", path: [problem.key], message: problem.message });
}

const memberFile = z.strictObject({
  role: z.literal("member"),
  ...common,
  subnet: name,
  node: name,
  tenant: name.default(DEFAULT_TENANT),
  registry: z.string().min(1),
  registryCache: z.string().min(1).optional().describe("file for the registry that the hub serves"),
  policy: compiledPolicySchema,
  limits: z.array(rateLimitSchema).default([]),
  enable_metrics: enableMetricsSchema,
  outbox: outboxLimitsSchema
    .extend({
      dir: z.string().min(1).describe("folder for events that wait while the hub is away; the member's own"),
    })
    .optional()
    .describe("without it no events are kept while the hub is away"),
  idempotency: z
    .strictObject({
      place: idempotencySchema,
      dir: z.string().min(1).optional().describe("folder for marks on this machine; the member's own"),
      maxAgeHours: z.number().positive().default(336).describe("least time that a mark is kept"),
    })
    .prefault({ place: "hub" })
    .describe("where handled events are marked"),
  probes: probesSchema.optional(),
  scenarios: scenariosSchema.optional(),
  skills: nodeSkillsSchema.optional().describe("without it the daemon runs no skills"),
});

const clusterSchema = z.strictObject({
  name: name.describe("of this server in the cluster"),
  port: z.number().int(),
  routesInclude: z
    .string()
    .min(1)
    .describe("file with the addresses of all servers and their password, relative to the config"),
});

const serversSchema = z.number().int().min(1).max(5).default(1);

const hubFile = z.strictObject({
  role: z.literal("hub"),
  ...common,
  subnet: name,
  node: name.default("hub").describe("name of this daemon among several of a hub"),
  servers: serversSchema.describe("servers of the hub; each keeps all of its streams"),
  tenant: name.default(DEFAULT_TENANT),
  streams: streamLimitsSchema,
  registryCache: z.string().min(1).optional().describe("file for the registry that the root offers"),
  positions: positionsSchema,
  policy: compiledPolicySchema,
  flood: floodSchema.prefault({}),
  alerts: alertsSchema.optional().describe("without it this hub judges no alerts"),
  members: z.record(
    name,
    z.strictObject({
      key: publicKey,
      limits: z
        .array(rateLimitSchema)
        .default([])
        .describe("rates of publishing; events above them are refused as backpressure"),
      timers: z.array(timerDefinitionSchema).default([]).describe("timers that the mesh file declares"),
    }),
  ),
  natsServer: z
    .strictObject({
      ...natsServer,
      hubKey: publicKey,
      rootUrl: z.string(),
      otherRootUrls: z.array(z.string()).max(8).optional().describe("the other servers of the root"),
      leafKey: publicKey,
      leafSeedInclude: z.string(),
      cluster: clusterSchema.optional().describe("of a hub of several servers"),
    })
    .superRefine(refusePlain)
    .describe(
      "the nats-server beside the hub: the hub writes its config, and reloads it when a durable is granted",
    ),
});

/** Another region, as the root's file names it. */
const regionEntry = z.strictObject({
  tenant: name.describe("of its events, and of those that go there"),
  clearance: z.array(z.enum(DATA_CLASSES)).default([]).describe("classes of data that may go there"),
  subnets: z
    .record(name, z.strictObject({ nodes: z.array(name).optional().describe("by default any member") }))
    .describe("subnets whose events come from there"),
  server: serverAccessSchema.optional().describe("its root's server; without it nothing comes from there"),
  key: publicKey.optional().describe("its public key here; without it nothing goes there"),
});

const rootFile = z.strictObject({
  role: z.literal("root"),
  ...common,
  node: name.default("root").describe("name of this daemon among several of a root"),
  servers: serversSchema.describe("servers of the root; each keeps all of its streams"),
  stateDir: z
    .string()
    .min(1)
    .optional()
    .describe(
      "state folder from which this daemon lets other machines join, and where it keeps the registry",
    ),
  streams: streamLimitsSchema,
  registry: z
    .string()
    .min(1)
    .optional()
    .describe(
      "folder of the registry that the root offers to every hub; watched for changes while the root runs",
    ),
  autoApply: autoApplySchema,
  positions: positionsSchema,
  alerts: alertsSchema.optional().describe("without it this daemon judges no alerts"),
  policy: compiledPolicySchema,
  subnets: z.record(
    name,
    z.strictObject({
      tenant: name.default(DEFAULT_TENANT),
      leafKey: publicKey,
      servers: serversSchema.describe("servers of its hub"),
      nodes: z
        .array(name)
        .readonly()
        .describe("its members; beside them only its hub and the root's daemons publish in its name"),
      clearance: z.array(z.enum(DATA_CLASSES)).default([]),
      exportLimit: rateSchema.optional(),
    }),
  ),
  regions: z.record(name, regionEntry).default({}).describe("other regions, by the names of their meshes"),
  regionPolicy: compiledPolicySchema
    .default([])
    .describe("what each region imports from here, and this mesh from each"),
  natsServer: z
    .strictObject({
      ...natsServer,
      leafPort: z.number().int(),
      rootKey: publicKey,
      cluster: clusterSchema.optional().describe("of a root of several servers"),
    })
    .superRefine(refusePlain)
    .optional()
    .describe(
      "the nats-server beside the root, whose config the root writes and reloads when a subnet is added or removed; not for a daemon on another machine",
    ),
});

/** The file that `adaos node <role> --config FILE` reads. */
export const nodeFileSchema = z.discriminatedUnion("role", [memberFile, hubFile, rootFile]);

export type NodeFile = z.output<typeof nodeFileSchema>;
/** In its written form: patterns as text. */
export type NodeFileInput = z.input<typeof nodeFileSchema>;
export type MemberFile = Extract<NodeFile, { role: "member" }>;
export type HubFile = Extract<NodeFile, { role: "hub" }>;
export type RootFile = Extract<NodeFile, { role: "root" }>;
export type NodeRole = NodeFile["role"];

/** A node file, with the paths of the files that it names. */
export interface LoadedNode<T extends NodeFile> {
  readonly file: string;
  /** Identifies this version of the file: see {@link nodeFileDigest}. */
  readonly digest: string;
  readonly config: T;
  /** Resolves a path of the file. */
  path(path: string): string;
}

/** Reads the node file of one role. Throws MeshError `invalid-config`. */
export function readNodeFile<R extends NodeRole>(
  file: string,
  role: R,
): LoadedNode<Extract<NodeFile, { role: R }>> {
  // A key that this version does not know would hide that a later one has written the file.
  const schema = z.preprocess((content) => {
    const isObject = typeof content === "object" && content !== null && !Array.isArray(content);
    return isObject ? inFormat(FORMATS.nodeFile, content, shownPath(file)) : content;
  }, nodeFileSchema);
  const { value, text, placeOf } = readYamlFile(file, schema);
  if (value.role !== role) {
    throw new MeshError(
      "invalid-config",
      `${placeOf(["role"])} is the file of a ${value.role}, not of a ${role}`,
    );
  }
  const base = dirname(resolve(file));
  return {
    file,
    digest: nodeFileDigest(text),
    config: value as Extract<NodeFile, { role: R }>,
    path: (path) => resolve(base, path),
  };
}

/** Identifies a version of a node file: sha-256 in hex. */
export function nodeFileDigest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
