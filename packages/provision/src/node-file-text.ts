import { dirname, relative } from "node:path";
import {
  MAX_FILE_BYTES,
  type MeshFile,
  marksDir,
  type NodeFileInput,
  nodeId,
  skillsDir,
  type TimersByMember,
} from "@adaos/config";
import { MeshError } from "@adaos/core";
import type { Rate, Subnet } from "@adaos/core/wire";

/** A member's limits, for its own node file and its hub's. */
export function limitsText(subnet: Subnet, node: string): { limits?: ({ events: string } & Rate)[] } {
  const limits = subnet.members.get(node)?.limits;
  if (limits === undefined) return {};
  return { limits: limits.map(({ events, ...rate }) => ({ events: events.text, ...rate })) };
}

type HubInput = Extract<NodeFileInput, { role: "hub" }>;

/** What a hub's node file says of a member. */
export function hubMemberText(
  key: string,
  subnet: Subnet,
  node: string,
  timers: TimersByMember,
): HubInput["members"][string] {
  const declared = timers.get(`${subnet.name}/${node}`);
  return {
    key,
    ...limitsText(subnet, node),
    ...(declared === undefined ? {} : { timers: [...declared] }),
  };
}

/** How a server encrypts its streams, for its config and its daemon's node file. Servers read includes relative. */
export function encryptionText(
  { encryptions }: MeshFile,
  server: string,
  configFile: string,
): Pick<HubInput["natsServer"], "encryption"> {
  const found = encryptions.get(server);
  if (found === undefined) return {};
  const keyInclude = relative(dirname(configFile), found.keyFile);
  return { encryption: { cipher: found.cipher, keyInclude } };
}

type MemberInput = Extract<NodeFileInput, { role: "member" }>;

/** A member's settings of marks, probes, scenarios and skills, for its node file. */
export function memberText(
  meshFile: MeshFile,
  subnet: string,
  node: string,
  stateDir: string,
): Pick<MemberInput, "idempotency" | "probes" | "scenarios" | "skills"> {
  const probes = meshFile.probesOf(subnet, node);
  const scenarios = meshFile.scenariosOf(subnet, node);
  const id = nodeId({ subnet, node });
  const { paths, sources } = meshFile.skillsOf(subnet, node);
  return {
    idempotency: {
      place: meshFile.idempotencyOf(subnet, node),
      dir: marksDir(stateDir, id),
      // Longer than the stream can redeliver an event.
      maxAgeHours: meshFile.streams.maxAgeHours * 2,
    },
    ...(probes === undefined ? {} : { probes }),
    ...(scenarios === undefined ? {} : { scenarios: [...scenarios] }),
    skills: { dir: skillsDir(stateDir, id), paths: [...paths], sources: [...sources] },
  };
}

/** A rule a line. Throws `usage` for more than the node would read. */
export function nodeFileText(id: string, content: NodeFileInput): string {
  const spread = JSON.stringify(content, undefined, 2);
  const text = `${spread.replaceAll(/\[\s+("(?:allow|deny)",)\s+([^\n]+)\s+([^\n]+?)\s+\]/g, "[$1 $2 $3]")}\n`;
  if (Buffer.byteLength(text) <= MAX_FILE_BYTES) return text;
  throw new MeshError(
    "usage",
    `the file of ${id} would be larger than ${MAX_FILE_BYTES} bytes: its rules are too many; use prefixes, or rules for fewer subnets`,
  );
}
