import { assertStreamFormat, messageOf, parseProgram, programText, whyApart } from "@adaos/core/wire";
import { compareVersions, MINIMUM_VERSION, whyUnsupported } from "@adaos/nats-server/version";
import type { NodeProgram } from "@adaos/supervise";
import type { FormatProblem } from "./formats-on-disk.ts";

/** A reason against an upgrade, or something to know before it. */
export interface UpgradeFinding {
  /** `blocks`: do not upgrade before it is mended. */
  readonly level: "blocks" | "note";
  /** Decides the exit code. */
  readonly code: "unavailable" | "invalid-config";
  /** A node, a server, a file, or `this machine`. */
  readonly about: string;
  readonly problem: string;
  readonly mend: string;
}

/** A process of this machine to restart. */
export interface RestartStep {
  readonly node: string;
  /** `0.1.0/1`, or undefined for a daemon that does not tell it. */
  readonly from: string | undefined;
}

/** What an upgrade of this machine to the installed program would do. */
export interface UpgradePlan {
  /** `0.1.0/1` */
  readonly program: string;
  readonly ready: boolean;
  readonly findings: readonly UpgradeFinding[];
  readonly nodes: readonly NodeProgram[];
  /** One after the other; those that run the program already are left out. */
  readonly restarts: readonly RestartStep[];
}

/** All that a plan is made from. */
export interface UpgradeFacts {
  readonly nodes: readonly NodeProgram[];
  readonly formats: readonly FormatProblem[];
  readonly streams: readonly {
    readonly at: string;
    readonly name: string;
    readonly metadata: Readonly<Record<string, string>> | undefined;
  }[];
  /** Servers that run, with their versions; undefined for one that does not answer. */
  readonly servers: readonly { readonly name: string; readonly version: string | undefined }[];
  /** The nats-server that a start would take. */
  readonly natsServer: string | undefined;
  /** `20.19.4` */
  readonly nodeVersion: string;
  readonly freeBytes: number;
  readonly stateDir: string;
}

/** The oldest Node.js that runs adaos; package.json says the same. */
export const MINIMUM_NODE = "20.19.0";
/** A start writes logs, stream indexes and a copy of each node file. */
const MIN_FREE_BYTES = 512 * 1024 ** 2;
const MIB = 1024 ** 2;

/** Plans an upgrade, or finds why it has to wait. Pure. */
export function planUpgrade(facts: UpgradeFacts): UpgradePlan {
  const findings = [
    ...facts.formats.map(({ place, message }) =>
      blocks("invalid-config", place, message, "install the version that wrote it, or restore a backup"),
    ),
    ...facts.streams.flatMap(streamFinding),
    ...facts.nodes.flatMap(apartFinding),
    ...machineFindings(facts),
    ...serverFindings(facts),
  ];
  return {
    program: programText(),
    ready: findings.every(({ level }) => level !== "blocks"),
    findings,
    nodes: facts.nodes,
    restarts: restartsOf(facts.nodes),
  };
}

function blocks(code: UpgradeFinding["code"], about: string, problem: string, mend: string): UpgradeFinding {
  return { level: "blocks", code, about, problem, mend };
}

function note(about: string, problem: string, mend: string): UpgradeFinding {
  return { level: "note", code: "unavailable", about, problem, mend };
}

function streamFinding({ at, name, metadata }: UpgradeFacts["streams"][number]): UpgradeFinding[] {
  try {
    assertStreamFormat(name, metadata);
    return [];
  } catch (thrown) {
    const mend = "install the version that wrote it, or restore a backup";
    return [blocks("invalid-config", at, messageOf(thrown), mend)];
  }
}

/** A node of another machine that the installed program could not work with. */
function apartFinding({ node, program, heardBy }: NodeProgram): UpgradeFinding[] {
  const why = whyApart(node, parseProgram(program));
  if (why === undefined) return [];
  // A daemon of this machine is restarted with the installed program.
  if (heardBy === undefined)
    return [note(node, why, "restart all daemons of this machine together: adaos down, adaos up")];
  return [blocks("unavailable", node, why, "upgrade its machine to a version of the same protocol first")];
}

function machineFindings({ nodeVersion, freeBytes, stateDir }: UpgradeFacts): UpgradeFinding[] {
  const found: UpgradeFinding[] = [];
  if (compareVersions(nodeVersion, MINIMUM_NODE) < 0) {
    const problem = `Node.js ${nodeVersion} is too old: adaos needs ${MINIMUM_NODE} or newer`;
    found.push(blocks("unavailable", "this machine", problem, "install a newer Node.js"));
  }
  if (freeBytes < MIN_FREE_BYTES) {
    const problem = `the disk of ${stateDir} has ${Math.floor(freeBytes / MIB)} MiB free; a restart wants ${MIN_FREE_BYTES / MIB}`;
    found.push(blocks("unavailable", stateDir, problem, `du -xh --max-depth=2 ${stateDir} | sort -h | tail`));
  }
  return found;
}

function serverFindings({ servers, natsServer, stateDir }: UpgradeFacts): UpgradeFinding[] {
  const found: UpgradeFinding[] = [];
  const why = natsServer === undefined ? undefined : whyUnsupported(natsServer);
  if (natsServer === undefined) {
    const problem = `no nats-server ${MINIMUM_VERSION} or newer is installed here`;
    found.push(note("this machine", problem, "adaos up fetches one; without a network install it before"));
  } else if (why !== undefined) {
    found.push(blocks("unavailable", "nats-server", why, `install nats-server ${MINIMUM_VERSION} or newer`));
  }
  for (const { name, version } of servers) {
    if (version === undefined)
      found.push(
        note(name, "does not answer: its streams are not checked", `adaos status --state ${stateDir}`),
      );
    else if (natsServer !== undefined && compareVersions(version, natsServer) > 0) {
      const problem = `runs nats-server ${version}, and a restart would take the older ${natsServer}`;
      const mend = "name the newer one with ADAOS_NATS_SERVER: an older server may not read its store";
      found.push(blocks("unavailable", name, problem, mend));
    } else if (natsServer !== undefined && version !== natsServer)
      found.push(note(name, `runs nats-server ${version}; a restart takes ${natsServer}`, "nothing to do"));
  }
  return found;
}

/** Who receives first: root daemons, then hubs, then members, as docs/decisions/upgrade.md explains. */
const ROLES = [/^root(-\d+)?$/, /\/hub(-\d)?$/, /./];

function restartsOf(nodes: readonly NodeProgram[]): RestartStep[] {
  const rank = ({ node }: NodeProgram): number => ROLES.findIndex((role) => role.test(node));
  return nodes
    .filter(({ heardBy, program }) => heardBy === undefined && program !== programText())
    .sort((a, b) => rank(a) - rank(b))
    .map(({ node, program }) => ({ node, from: program }));
}
