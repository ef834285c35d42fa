import {
  type LoadedNode,
  type MemberFile,
  nodeFilePath,
  nodeId,
  readNodeFile,
  readSeed,
  resolveStateDir,
} from "@adaos/config";
import { Bus, type Logger, type Member, memberRules, Policy, parseNodeAddress } from "@adaos/core";
import { openLog } from "@adaos/daemon";
import { loadRegistry } from "@adaos/registry";
import { NatsTransport, openConnection } from "@adaos/transport-nats";

export interface ConnectOptions {
  /** Which member to be, for example `alpha/kitchen`. Not needed with `config`. */
  readonly as?: string;
  /** State folder of the mesh. @default `ADAOS_STATE`, else `.adaos` here */
  readonly state?: string;
  /** The member's node file, for a machine that holds no state folder. */
  readonly config?: string;
  /** The part of `source` before `@`. @default "app" */
  readonly component?: string;
  /** @default warnings and errors to standard error */
  readonly log?: Logger;
  /** Wait for a hub that is not there yet instead of rejecting after five seconds. @default false */
  readonly waitForServer?: boolean;
}

/**
 * Connects as a member of a subnet. The member's rights and the events' contracts are checked here as well as on the
 * server. Rejects with MeshError `invalid-config`, `unavailable`, `denied` or `usage`.
 */
export async function connect(options: ConnectOptions): Promise<Bus> {
  const node = readNodeFile(memberFile(options), "member");
  const log = options.log ?? openLog({ level: "warn", file: undefined, base: {}, toStandardError: true });
  return openBus(node, { ...options, log });
}

function memberFile({ as, state, config }: ConnectOptions): string {
  if (config !== undefined) return config;
  return nodeFilePath(resolveStateDir(state), nodeId(parseNodeAddress(as ?? "")));
}

/** The bus of a member whose node file is read. */
export async function openBus(
  { config, path }: LoadedNode<MemberFile>,
  options: { readonly log: Logger; readonly component?: string; readonly waitForServer?: boolean },
): Promise<Bus> {
  const { subnet, node, publish, subscribe, server } = config;
  const { log, component, waitForServer } = options;
  const registry = await loadRegistry(path(config.registry));
  const member: Member = { name: node, publish, subscribe };
  const rules = memberRules({ name: subnet, exports: [], imports: [], members: new Map([[node, member]]) });
  const connection = await openConnection({
    url: server.url,
    name: `${subnet}/${node}`,
    user: node,
    seed: readSeed(path(server.seedFile)),
    log,
    ...(waitForServer === undefined ? {} : { waitForServer }),
  });
  return new Bus({
    address: { subnet, node },
    transport: new NatsTransport(connection, { node, log }),
    registry,
    policy: new Policy(rules),
    log,
    ...(component === undefined ? {} : { component }),
  });
}
