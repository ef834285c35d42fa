import { join } from "node:path";
import { MeshError } from "@adaos/core";
import { type Layout, type NodeLayout, type ServerLayout, serverProcesses } from "@adaos/provision";
import { flagsOf, NODE_FLAGS } from "../processes/node-flags.ts";
import { SUPERVISOR, VIEWER } from "../processes/process-table.ts";
import { hardening } from "./hardening.ts";
import { commandLine, environmentWord, plainValue, renderUnit, type UnitLine } from "./unit-text.ts";

/** A unit file. */
export interface Unit {
  /** `adaos-demo-alpha_kitchen.service`. */
  readonly name: string;
  readonly text: string;
}

/** A key file that systemd reads and hands to a daemon. */
export interface Credential {
  readonly name: string;
  readonly file: string;
}

/** All that the units of a state folder depend on. */
export interface UnitContext {
  readonly stateDir: string;
  readonly layout: Layout;
  readonly scope: "system" | "user";
  /** One unit that keeps all processes, in place of one for each. */
  readonly supervisor: boolean;
  /** The Node that runs the daemons. */
  readonly node: string;
  /** The file of the `adaos` program. */
  readonly adaos: string;
  readonly natsServer: string;
  /** Of system units. */
  readonly user?: { readonly name: string; readonly group: string } | undefined;
  /** Whether some of their files are below a home folder. */
  readonly usesHome: boolean;
  /** Likewise below `/tmp` or `/var/tmp`. */
  readonly usesTmp: boolean;
  /** By ids of members; their units see no other key. */
  readonly credentials: ReadonlyMap<string, readonly Credential[]>;
}

/** Names of all units that this tool writes. */
export const UNIT_FILE: RegExp = /^adaos-[a-z0-9_-]+\.(?:service|target)$/;

/** A daemon that does not beat so long is restarted. It sends three beats in this time. */
const WATCHDOG_S = 60;
/** Until the first message; each message extends it. A large store takes longer to read than a small one. */
const START_S = 120;
/** A daemon ends itself after 15 s. */
const STOP_S = 20;
/** The supervisor stops up to five tiers one by one, each within 18 s. */
const SUPERVISOR_STOP_S = 100;
/** JetStream opens two files for each stream, and each connection is one. */
const OPEN_FILES = 65_536;
const RESTART_S = 5;

/** `adaos-demo.target`. Pure. */
export function targetName({ mesh }: Pick<Layout, "mesh">): string {
  return `adaos-${mesh}.target`;
}

/** The unit of a process: names have no underscore, so no two ids are one name. Pure. */
export function serviceName({ mesh }: Pick<Layout, "mesh">, id: string): string {
  return `adaos-${mesh}-${id.replace("/", "_")}.service`;
}

/** The first line of a unit, by which its writer knows it again. Pure. */
export function markerOf(stateDir: string): string {
  return `Written by adaos install systemd for the state folder ${JSON.stringify(stateDir)}`;
}

/**
 * The units of what this machine runs, their target last. Throws `usage` for a path that no unit can name, and
 * `invalid-config` for such names of a mesh or of its parts. Pure.
 */
export function planUnits(context: UnitContext): readonly Unit[] {
  const { layout, supervisor, stateDir } = context;
  // The layout is a file of the folder's owner, and root writes what it names into the system's folder.
  const ids = [...layout.nodes.map(({ id }) => id), ...serverProcesses(layout).map(({ name }) => name)];
  const odd = [targetName(layout), ...ids.map((id) => serviceName(layout, id))].find(
    (name) => !UNIT_FILE.test(name),
  );
  if (odd !== undefined)
    throw new MeshError(
      "invalid-config",
      `the files in ${stateDir} were changed: no unit can be called ${JSON.stringify(odd)}; make them again with adaos up`,
    );
  const services = supervisor
    ? [supervisorUnit(context)]
    : [
        ...serverProcesses(layout).map((server) => serverUnit(context, server)),
        ...layout.nodes.map((node) => nodeUnit(context, node)),
        ...(layout.viewer === undefined ? [] : [viewerUnit(context)]),
      ];
  return [...services, targetUnit(context, services)];
}

function targetUnit({ stateDir, layout, scope }: UnitContext, services: readonly Unit[]): Unit {
  const text = renderUnit(head(stateDir), [
    {
      name: "Unit",
      lines: [
        ["Description", `AdaOS Mesh ${layout.mesh}`],
        ["Wants", services.map(({ name }) => name).join(" ")],
      ],
    },
    { name: "Install", lines: [["WantedBy", scope === "system" ? "multi-user.target" : "default.target"]] },
  ]);
  return { name: targetName(layout), text };
}

function serverUnit(context: UnitContext, { name, configFile }: ServerLayout): Unit {
  const { stateDir, natsServer, node, adaos } = context;
  const prepare = [node, adaos, "install", "prepare-server", "--state", stateDir, name];
  return service(context, name, `server ${name}`, [], false, [
    "A nats-server does not tell systemd that it is ready. Daemons wait for it by themselves.",
    ["Type", "exec"],
    "Refuses to start beside adaos up, and restores a damaged config.",
    ["ExecStartPre", commandLine(prepare)],
    ["ExecStart", commandLine([natsServer, "-c", configFile])],
    ["ExecReload", "/bin/kill -s HUP $MAINPID"],
    "TERM, not lame duck mode: that is for clients which can go to another server of a cluster.",
    ["TimeoutStopSec", String(STOP_S)],
    ["LimitNOFILE", String(OPEN_FILES)],
  ]);
}

function nodeUnit(context: UnitContext, { id, role, nodeFile }: NodeLayout): Unit {
  const { layout, node, adaos, credentials, stateDir } = context;
  const args = [node, ...flagsOf(role), adaos, "node", role, "--config", nodeFile];
  const given = credentials.get(id) ?? [];
  return service(context, id, `${role} ${id}`, orderOf(layout, id, role), role === "member", [
    ...notifying(STOP_S),
    ["ExecStart", commandLine(args)],
    ...given.map(({ name, file }): UnitLine => ["LoadCredential", `${name}:${plainValue(file)}`]),
    ...(given.length === 0
      ? []
      : [["Environment", environmentWord("ADAOS_CREDENTIALS_OF", join(stateDir, "keys"))] as const]),
  ]);
}

/**
 * Units that start before, and so stop after. A daemon needs its servers to stop in order; a member's handlers may
 * ask the hub until they end. Nothing waits for the root: a subnet works without it.
 */
function orderOf(layout: Layout, id: string, role: NodeLayout["role"]): readonly string[] {
  const [of = ""] = role === "root" ? ["root"] : id.split("/");
  const servers = serverProcesses(layout)
    .filter((server) => server.of === of)
    .map(({ name }) => name);
  const hubs = layout.nodes
    .filter((node) => role === "member" && node.role === "hub" && node.id.startsWith(`${of}/`))
    .map((hub) => hub.id);
  return [...servers, ...hubs].map((name) => serviceName(layout, name));
}

function viewerUnit(context: UnitContext): Unit {
  const { layout, node, adaos, stateDir } = context;
  const args = [node, ...NODE_FLAGS, adaos, "view", "serve", "--state", stateDir];
  const servers = serverProcesses(layout).map(({ name }) => serviceName(layout, name));
  return service(context, VIEWER, "viewer", servers, false, [
    ...notifying(STOP_S),
    ["ExecStart", commandLine(args)],
  ]);
}

function supervisorUnit(context: UnitContext): Unit {
  const { layout, node, adaos, stateDir, natsServer } = context;
  const config = layout.configFile === undefined ? [] : ["--config", layout.configFile];
  const args = [node, ...NODE_FLAGS, adaos, "up", ...config, "--state", stateDir];
  return service(context, SUPERVISOR, "supervisor of all servers and daemons", [], true, [
    ...notifying(SUPERVISOR_STOP_S),
    ["ExecStart", commandLine(args)],
    ["Environment", environmentWord("ADAOS_NATS_SERVER", natsServer)],
    ["LimitNOFILE", String(OPEN_FILES)],
  ]);
}

function notifying(stopS: number): readonly UnitLine[] {
  return [
    ["Type", "notify"],
    "A child tells systemd how the daemon is, since Node opens no datagram sockets of the Unix domain.",
    ["NotifyAccess", "all"],
    ["WatchdogSec", String(WATCHDOG_S)],
    ["TimeoutStartSec", String(START_S)],
    ["TimeoutStopSec", String(stopS)],
    "TERM goes to the daemon alone: it stops its skills in order.",
    ["KillMode", "mixed"],
  ];
}

function service(
  context: UnitContext,
  id: string,
  what: string,
  after: readonly string[],
  startsPrograms: boolean,
  lines: readonly UnitLine[],
): Unit {
  const { stateDir, layout, scope, user, usesHome, usesTmp, credentials } = context;
  const cache = `adaos-${layout.mesh}`;
  const hidden = credentials.has(id) ? ["keys", "store"].map((name) => join(stateDir, name)) : [];
  const text = renderUnit(head(stateDir), [
    {
      name: "Unit",
      lines: [
        ["Description", `AdaOS Mesh ${layout.mesh}: ${what}`],
        ["PartOf", targetName(layout)],
        ["After", [...(scope === "system" ? ["network.target"] : []), ...after].join(" ")],
        "Tries for ever: a port or a disk may come back.",
        ["StartLimitIntervalSec", "0"],
      ].filter((line) => typeof line === "string" || line[1] !== "") as readonly UnitLine[],
    },
    {
      name: "Service",
      lines: [
        ...(user === undefined
          ? []
          : ([
              ["User", user.name],
              ["Group", user.group],
            ] as const)),
        ...lines,
        ...(id === SUPERVISOR
          ? (["adaos down ends it for good.", ["Restart", "on-failure"]] as const)
          : ([["Restart", "always"]] as const)),
        ["RestartSec", String(RESTART_S)],
        ["WorkingDirectory", plainValue(stateDir)],
        "For compiled code: a start takes a fraction of the time.",
        ["CacheDirectory", cache],
        ["CacheDirectoryMode", "0700"],
        ["Environment", `"ADAOS_CACHE_DIR=%C/${cache}"`],
        ...hardening({ stateDir, scope, usesHome, usesTmp, startsPrograms, hidden }),
      ],
    },
  ]);
  return { name: serviceName(layout, id), text };
}

function head(stateDir: string): readonly string[] {
  return [
    markerOf(stateDir),
    "Change it with systemctl edit: the next adaos install systemd writes this file anew.",
  ];
}
