import { nodeFilePath, readNodeFile } from "@adaos/config";
import { MESH_STREAM, ROOT_DOMAIN, regionDurable } from "@adaos/core/wire";
import type { ConsumerBacklog } from "@adaos/nats-server";
import { readLayout, serverProcesses } from "@adaos/provision";
import { askHealth, askServer, type ComponentHealth } from "./health.ts";
import { linkCarriers } from "./link-carriers.ts";

/** The exchange with one other region. */
export interface RegionStatus {
  readonly region: string;
  /** The link from there; null: nothing is taken from there. */
  readonly from: {
    readonly ready: boolean;
    readonly note: string;
    /** Events since the daemon's start. */
    readonly carried: number;
    readonly refused: number;
  } | null;
  /** Null: nothing goes there. `waiting`: events that it has not pulled yet; null: not known. */
  readonly to: { readonly waiting: number | null } | null;
}

/**
 * The regions that the root's file names, and how their links are. Rejects with `usage` where no root runs, and with
 * `invalid-config`.
 */
export async function askRegions(stateDir: string): Promise<RegionStatus[]> {
  const layout = readLayout(stateDir);
  const { regions } = readNodeFile(nodeFilePath(stateDir, ROOT_DOMAIN), "root").config;
  const backlogs: ConsumerBacklog[] = [];
  const servers = serverProcesses(layout).filter(({ of }) => of === ROOT_DOMAIN);
  const [{ components }] = await Promise.all([
    askHealth(layout, stateDir),
    // A server that is away tells no backlog; the links say so.
    ...servers.map((server) => askServer(server, backlogs).catch(() => undefined)),
  ]);
  return Object.entries(regions).map(([region, { key, server, subnets }]) => {
    const links = linkCarriers(components, `region ${region}`).map(({ health }) => health);
    const pending = backlogs.flatMap((of) =>
      of.stream === MESH_STREAM && of.consumer === regionDurable(region) ? [of.pending] : [],
    );
    return {
      region,
      from: server === undefined || Object.keys(subnets).length === 0 ? null : linkStatus(links),
      to: key === undefined ? null : { waiting: pending.length === 0 ? null : Math.max(...pending) },
    };
  });
}

/** Of several root daemons one carries; all of them count. */
function linkStatus(links: readonly ComponentHealth[]): NonNullable<RegionStatus["from"]> {
  const sum = (key: string): number =>
    links.reduce((total, { details }) => total + Number(details?.[key] ?? 0), 0);
  const best = links.find(({ ready }) => ready) ?? links[0];
  return {
    ready: best?.ready === true,
    note: best?.note ?? (best === undefined ? "the root daemon says nothing of it" : ""),
    carried: sum("carried"),
    refused: sum("refused"),
  };
}
