import { dirname, resolve } from "node:path";
import type { Mesh } from "@adaos/core";
import type { MarksPlace } from "@adaos/core/wire";
import { DATA_CLASSES, DEFAULT_TENANT, type DeclaredRule, ROOT_DOMAIN } from "@adaos/core/wire";
import { z } from "zod";
import {
  declaredRuleOf,
  patternSchema,
  rateLimitSchema,
  rateSchema,
  ruleProblems,
  ruleSchema,
  tokenOf,
} from "./policy-rule.ts";
import { type AlertSettings, alertsSchema, resolveAlerts } from "./sections/alert-settings.ts";
import {
  encryptionProblems,
  encryptionSchema,
  encryptionsOf,
  type StoreEncryption,
} from "./sections/encryption-schema.ts";
import { logsSchema } from "./sections/logs-schema.ts";
import { type DeclaredProbes, placedProbes, probesSchema } from "./sections/member/probes-schema.ts";
import { placedScenarios, scenariosSchema } from "./sections/member/scenarios-schema.ts";
import {
  type DeclaredSkills,
  placedSkills,
  skillSourcesSchema,
  skillsSchema,
} from "./sections/member/skills-schema.ts";
import { type DeclaredTimers, timersSchema } from "./sections/member/timers-schema.ts";
import { meshServersOf, serverNamesOf, serverProblems } from "./sections/mesh-servers.ts";
import { type MeshTls, meshTlsOf } from "./sections/mesh-tls.ts";
import {
  type RegionAccess,
  regionAccess,
  regionProblems,
  regionsOf,
  regionsSchema,
} from "./sections/regions-schema.ts";
import { type AutoApply, autoApplySchema, registrySchema } from "./sections/registry-schema.ts";
import {
  meshScrapeSchema,
  nodeScrapeSchema,
  type ScrapeAddress,
  scrapeAddresses,
  scrapeProblems,
} from "./sections/scrape-access.ts";
import { hubServersEntries, rootSchema, serverEntries } from "./sections/server-entries.ts";
import { type StreamLimits, streamLimitsSchema } from "./sections/stream-limits.ts";
import { resolvedTracing, type Tracing, tracingSchema } from "./sections/tracing.ts";
import {
  type FloodLimits,
  floodSchema,
  type OutboxLimits,
  outboxLimitsSchema,
} from "./sections/traffic-schema.ts";
import { placedViewer, type ViewerSettings, viewerSchema } from "./sections/viewer-schema.ts";
import { signatureRulesSchema } from "./signature-keys.ts";
import { invalid, readYamlFile } from "./text/yaml-file.ts";
import { type ListenAddress, meshTlsSchema } from "./transport-security.ts";

/** Node names that every subnet uses already. */
const RESERVED_NODES: ReadonlySet<string> = new Set(["hub", "root"]);

const patterns = z.array(patternSchema).max(10_000).default([]);

/** For members; the key is spelled as in their own configuration. */
export const enableMetricsSchema = z
  .boolean()
  .default(true)
  .describe("whether members count the events they publish and handle, for adaos events metrics");
/** Where members store the marks of handled events. */
export const idempotencySchema = z
  .enum(["member", "hub"])
  .describe(
    "where a member marks handled events: member: on its own disk; hub: in a stream of its hub, for a member with processes on several machines or without a lasting disk",
  );

const memberSchema = z.strictObject({
  roles: z
    .array(tokenOf("role"))
    .max(100)
    .default([])
    .describe("names that rules may use instead of the member's"),
  publish: patterns.describe("events that the member may publish"),
  subscribe: patterns.describe("events that the member may subscribe"),
  limits: z
    .array(rateLimitSchema)
    .max(100)
    .optional()
    .describe("rates of publishing; events above them are refused as backpressure"),
  idempotency: idempotencySchema.optional(),
  probes: probesSchema.optional(),
  timers: timersSchema.optional(),
  scenarios: scenariosSchema.optional(),
  skills: skillsSchema.optional(),
  skill_sources: skillSourcesSchema.optional(),
  remote: z.literal(true).optional().describe("the member runs on another machine, which joins by a code"),
  metrics: nodeScrapeSchema,
});

const subnetSchema = z.strictObject({
  ...serverEntries,
  ...hubServersEntries,
  tenant: tokenOf("tenant")
    .default(DEFAULT_TENANT)
    .describe("owner of the subnet; events of other tenants' subnets enter only by a rule with from"),
  clearance: z
    .array(z.enum(DATA_CLASSES))
    .max(DATA_CLASSES.length)
    .default([])
    .describe(
      "classes of data that may enter from other subnets; events with data of other classes stay out",
    ),
  export: patterns.describe("events that may leave the subnet"),
  import: patterns.describe("events that may enter the subnet"),
  exportLimit: rateSchema
    .optional()
    .describe("rate of its uplink; further events wait in the subnet's stream"),
  signatures: signatureRulesSchema.optional(),
  remote: z
    .literal(true)
    .optional()
    .describe("its hub and members run on another machine, which joins by a code: adaos join create"),
  members: z.record(tokenOf("member", RESERVED_NODES), memberSchema).default({}),
});

/** `mesh.yaml`. */
export const meshSchema = z.strictObject({
  mesh: tokenOf("mesh").describe("name of the mesh"),
  durability: z
    .enum(["synced", "relaxed"])
    .default("synced")
    .describe("synced: on disk before an acknowledgement; relaxed: synced every two minutes"),
  encryption: encryptionSchema.describe(
    "encrypts the streams on the disks of this machine; the files of members are not encrypted",
  ),
  transport: z
    .enum(["nats", "local"])
    .default("nats")
    .describe("nats: real servers; local: everything in one process, for a first try and for unit tests"),
  tls: meshTlsSchema.optional(),
  registry: registrySchema,
  streams: streamLimitsSchema.prefault({}).describe("size and age limits of streams"),
  flood: floodSchema
    .prefault({})
    .describe(
      "limit of all traffic of a member's connections together; a hub shuts out a member above it for two seconds",
    ),
  enable_metrics: enableMetricsSchema,
  logs: logsSchema,
  metrics: meshScrapeSchema,
  outbox: z
    .union([z.literal(false), outboxLimitsSchema])
    .prefault({})
    .describe(
      "events that members keep on their own disk while their hub is away; a full outbox refuses events; false: no outbox",
    ),
  chaos: z
    .literal("allowed")
    .optional()
    .describe(
      "allowed: adaos chaos may inject faults into this mesh, to show that it recovers; never set it where people rely on the mesh",
    ),
  alerts: alertsSchema
    .optional()
    .describe(
      "hubs and root judge their own figures, raise and clear alerts as events, and call webhooks; without it no alerts are judged",
    ),
  viewer: viewerSchema,
  idempotency: idempotencySchema.default("member"),
  tracing: tracingSchema,
  root: rootSchema.prefault({}),
  regions: regionsSchema,
  subnets: z.record(tokenOf("subnet", new Set([ROOT_DOMAIN])), subnetSchema),
  policy: z
    .array(ruleSchema)
    .max(10_000)
    .default([])
    .describe("rules that come before those of subnets and members; the first that matches wins"),
});

/** Ports that the file fixes. */
export interface FixedPorts {
  readonly port?: number | undefined;
  readonly leafPort?: number | undefined;
  readonly clusterPort?: number | undefined;
}

/** A checked mesh file: the mesh itself and the settings of its processes. */
export interface MeshFile {
  readonly file: string;
  /** The text that was checked; the file may be another by now. */
  readonly text: string;
  readonly mesh: Mesh;
  readonly transport: "nats" | "local";
  /** Absolute path of the registry folder. */
  readonly registryDir: string;
  /** The changes of the registry that are put in force when they are saved. */
  readonly autoApply: AutoApply;
  readonly streams: StreamLimits;
  readonly flood: FloodLimits;
  readonly enableMetrics: boolean;
  readonly logs: "folder" | "output";
  readonly tracing?: Tracing | undefined;
  /** Addresses for collectors on other machines, by node id: `root`, `alpha/hub`, `alpha/kitchen`. */
  readonly scrapes: ReadonlyMap<string, ScrapeAddress>;
  /** Of members; `false`: no outbox. */
  readonly outbox: OutboxLimits | false;
  /** Whether chaos may inject faults. */
  readonly chaos?: "allowed" | undefined;
  /** The settings of alerts, with absolute paths; undefined where no alerts are judged. */
  readonly alerts?: AlertSettings | undefined;
  readonly viewer?: ViewerSettings | undefined;
  /** Where a member stores the marks of handled events. */
  idempotencyOf(subnet: string, member: string): MarksPlace;
  /** The probes of a member's daemon; paths are absolute. */
  probesOf(subnet: string, member: string): DeclaredProbes | undefined;
  /** The timers of a member. */
  timersOf(subnet: string, member: string): DeclaredTimers | undefined;
  /** The paths of a member's scenarios, absolute unless the member is on another machine. */
  scenariosOf(subnet: string, member: string): readonly string[] | undefined;
  /** The skills of a member, and where it may install others from; paths are absolute. */
  skillsOf(subnet: string, member: string): DeclaredSkills;
  /** Names of the servers of a subnet's hub, or of the root: `alpha`, `alpha-2`, `alpha-3`; several are a cluster. */
  readonly serversOf: (of: string) => readonly string[];
  /** Number of root daemons, as many as servers or more; all open every link, and one serves it at a time. */
  readonly rootDaemons: number;
  /** Undefined: connections are not encrypted. */
  readonly tls: MeshTls | undefined;
  /** Of streams on disk, by server, as `hosts`. */
  readonly encryptions: ReadonlyMap<string, StoreEncryption>;
  /** How the root reaches other regions, by the names of their meshes. */
  readonly regions: ReadonlyMap<string, RegionAccess>;
  /** By subnet, the root's under {@link ROOT_DOMAIN}; those beyond the first as `root-2`, `alpha-2` and so on. */
  readonly hosts: ReadonlyMap<string, ListenAddress>;
  /** Likewise. */
  readonly ports: ReadonlyMap<string, FixedPorts>;
  /** Place of the rule of this id: `deploy/mesh.yaml:12:20`. Undefined for an unknown id. */
  placeOfRule(id: string): string | undefined;
  placeOfTimer(subnet: string, member: string, timer: string): string;
  /** Place of a subnet, or of the map where it is missing. */
  placeOfSubnet(name: string): string;
}

/** Reads and checks a mesh file. Throws MeshError `invalid-config` with lines and columns. */
export function readMeshFile(file: string): MeshFile {
  const { value, text, placeOf } = readYamlFile(file, meshSchema);
  const policy = value.policy.map(declaredRuleOf);
  const subnets = Object.entries(value.subnets).map(([name, subnet]) => {
    const members = Object.entries(subnet.members).map(
      ([node, { roles, publish, subscribe, limits, remote }]) =>
        [node, { name: node, roles, publish, subscribe, limits, remote }] as const,
    );
    return [
      name,
      {
        name,
        tenant: subnet.tenant,
        clearance: subnet.clearance,
        exports: subnet.export,
        imports: subnet.import,
        exportLimit: subnet.exportLimit,
        signatures: subnet.signatures,
        remote: subnet.remote,
        members: new Map(members),
      },
    ] as const;
  });
  const { mesh: name, durability } = value;
  const mesh: Mesh = { name, durability, subnets: new Map(subnets), policy, ...regionsOf(value) };
  const servers = meshServersOf(value);
  const names = serverNamesOf(value);
  const registry = registryOf(value);
  const problems = problemsOf(value, mesh, placeOf);
  if (problems.length > 0) throw invalid(problems, (problem) => problem);
  return {
    file: resolve(file),
    text,
    mesh,
    transport: value.transport,
    registryDir: resolve(dirname(file), registry.path),
    autoApply: registry.autoApply,
    streams: value.streams,
    flood: value.flood,
    enableMetrics: value.enable_metrics,
    logs: value.logs,
    tracing: resolvedTracing(value.tracing, dirname(resolve(file))),
    scrapes: scrapeAddresses(value, dirname(resolve(file))),
    outbox: value.outbox,
    chaos: value.chaos,
    viewer: placedViewer(value.viewer, dirname(resolve(file))),
    alerts: resolveAlerts(value.alerts, dirname(resolve(file))),
    idempotencyOf: (subnet, member) =>
      value.subnets[subnet]?.members[member]?.idempotency ?? value.idempotency,
    probesOf: (subnet, member) => placedProbes(value.subnets[subnet]?.members[member]?.probes, dirname(file)),
    timersOf: (subnet, member) => value.subnets[subnet]?.members[member]?.timers,
    scenariosOf: (subnet, member) => {
      const { members = {}, remote } = value.subnets[subnet] ?? {};
      const isRemote = remote === true || members[member]?.remote === true;
      return placedScenarios(members[member]?.scenarios, dirname(resolve(file)), isRemote);
    },
    skillsOf: (subnet, member) =>
      placedSkills(value.subnets[subnet]?.members[member] ?? {}, dirname(resolve(file))),
    serversOf: (of) => names.get(of) ?? [of],
    rootDaemons: value.root.daemons,
    tls: meshTlsOf(value.tls, servers, dirname(resolve(file))),
    encryptions: encryptionsOf(value, names, dirname(resolve(file))),
    regions: regionAccess(value, file),
    hosts: servers,
    ports: servers,
    placeOfRule: (id) => {
      const path = rulePath(id, policy);
      return path === undefined ? undefined : placeOf(path);
    },
    placeOfTimer: (subnet, member, timer) => placeOf(["subnets", subnet, "members", member, "timers", timer]),
    placeOfSubnet: (name) => placeOf(["subnets", name]),
  };
}

type MeshValue = z.output<typeof meshSchema>;

/** What each section alone cannot see, a line each. */
function problemsOf(
  value: MeshValue,
  mesh: Mesh,
  placeOf: (path: readonly PropertyKey[]) => string,
): string[] {
  const ofRules = ruleProblems(mesh).map(({ path, message }) => {
    return `${placeOf(["policy", ...path])} policy[${String(path[0])}]: ${message}`;
  });
  const others = [
    ...serverProblems(value),
    ...regionProblems(value),
    ...scrapeProblems(value),
    ...encryptionProblems(value),
  ].map(({ path, message }) => `${placeOf(path)} ${path.join(".")}: ${message}`);
  return [...ofRules, ...others];
}

function registryOf({ registry }: MeshValue): { readonly path: string; readonly autoApply: AutoApply } {
  return typeof registry === "string"
    ? { path: registry, autoApply: autoApplySchema.parse(undefined) }
    : registry;
}
/** A rule of `policy` has an id; a rule of a list is named by its place: `alpha.kitchen.publish[0]`. */
function rulePath(id: string, policy: readonly DeclaredRule[]): PropertyKey[] | undefined {
  const i = policy.findIndex((rule) => rule.id === id);
  if (i >= 0) return ["policy", i];
  const [, subnet, member, list, at] = /^([^.]+)(?:\.([^.]+))?\.([a-z]+)\[(\d+)\]$/.exec(id) ?? [];
  if (subnet === undefined || list === undefined) return undefined;
  return ["subnets", subnet, ...(member === undefined ? [] : ["members", member]), list, Number(at)];
}
