import { hubNodeIds, rootNodeIds } from "@adaos/config";
import { ROOT_DOMAIN } from "@adaos/core/wire";
import { type FlowLook, flowRates, perSecond, type SubnetFlow } from "@adaos/operations";
import { type Layout, serverProcesses } from "@adaos/provision";
import { type ComponentHealth, type MeshHealth, SILENT_SERVER } from "../status/health.ts";
import { type LinkCarrier, linkCarriers } from "../status/link-carriers.ts";

/** `elsewhere`: it runs on another machine, which is not asked. */
export type MapState = "ready" | "unready" | "elsewhere";

/** A daemon as a map of the mesh shows it. */
export interface MapNode {
  /** `root`, `alpha/hub`, `alpha/kitchen` */
  readonly id: string;
  readonly role: "root" | "hub" | "member";
  readonly state: MapState;
  /** Why it is not ready, or its notes. */
  readonly note: string;
  /** Events that wait for it. */
  readonly lag?: number;
  /** Events that wait on its machine's disk for the hub. */
  readonly outbox?: number;
  /** Events per second. Absent until two looks have been made. */
  readonly published?: number;
  readonly handled?: number;
  /** RFC 3339: the last delivery to one of its durables. */
  readonly lastActive?: string;
  /** Of a daemon of a hub of three: another one serves the subnet. */
  readonly standsBy?: boolean;
}

/** A nats-server of this machine. */
export interface MapServer {
  readonly of: string;
  readonly name: string;
  readonly ready: boolean;
  readonly note: string;
}

/** One of the root daemons at a link. */
export interface MapCarrier {
  readonly root: string;
  readonly state: "serves" | "stands by" | "down";
  readonly carried: number;
  readonly note: string;
}

/** One direction between a subnet and the root. */
export interface MapLink {
  readonly subnet: string;
  readonly direction: "up" | "down";
  readonly state: "ready" | "down" | "elsewhere";
  readonly note: string;
  readonly lag?: number;
  readonly refused: number;
  /** Events per second. */
  readonly carried?: number;
  readonly refusals?: number;
  readonly carriers: readonly MapCarrier[];
}

/** The link from another region, whose root is another mesh's. */
export interface MapRegion {
  readonly region: string;
  readonly state: "ready" | "down";
  readonly note: string;
  readonly refused: number;
  /** Events per second that come from there. */
  readonly carried?: number;
}

/** A mesh as this machine sees it. */
export interface MeshMap {
  readonly mesh: string;
  /** RFC 3339. */
  readonly at: string;
  readonly ready: boolean;
  /** Seconds between the two looks from which rates are made; 0 before the second. */
  readonly window_s: number;
  /** The root of another machine that this folder has joined. */
  readonly joined_to?: string;
  readonly supervisor?: { readonly ready: boolean; readonly note: string };
  readonly subnets: readonly string[];
  readonly servers: readonly MapServer[];
  readonly nodes: readonly MapNode[];
  readonly links: readonly MapLink[];
  readonly regions: readonly MapRegion[];
  /** Broken files, a sentence each. */
  readonly errors: readonly string[];
}

/** What was found at one time. */
export interface MeshLook {
  readonly health: MeshHealth;
  readonly flow: FlowLook;
}

/** Members of a hub by its file, which names those of other machines too. */
export type MembersOf = ReadonlyMap<string, readonly string[]>;

/** The map of a mesh. Pure. @param before An earlier look; without it there are no rates. */
export function meshMap(
  layout: Layout,
  members: MembersOf,
  before: MeshLook | undefined,
  now: MeshLook,
  at: Date,
): MeshMap {
  const { health, flow } = now;
  const { servers, remote = [], joinedTo } = layout;
  const found = new Map(
    health.components.map((component) => [`${component.kind} ${component.name}`, component]),
  );
  const supervisor = found.get("supervisor supervisor");
  const own = layout.nodes.flatMap(({ id }) => (id.includes("/") ? [id.split("/")[0] ?? ""] : []));
  const subnets = [...new Set([...own, ...servers.map(({ of }) => of), ...remote])].filter(
    (of) => of !== ROOT_DOMAIN,
  );
  const windowMs = before === undefined ? 0 : flow.atMs - before.flow.atMs;
  return {
    mesh: layout.mesh,
    at: at.toISOString(),
    ready: health.ready,
    window_s: Math.round(windowMs / 100) / 10,
    ...(joinedTo === undefined ? {} : { joined_to: joinedTo }),
    ...(supervisor === undefined ? {} : { supervisor: { ready: supervisor.ready, note: supervisor.note } }),
    subnets,
    servers: serverProcesses(layout).map(({ name, of }) => {
      const { ready = false, note = "is not known" } = found.get(`server ${name}`) ?? {};
      return { name, of, ready, note };
    }),
    nodes: nodesOf(layout, subnets, members, before, now, found),
    links: subnets.flatMap((subnet) =>
      hasNoLinks(layout, subnet, now)
        ? []
        : (["up", "down"] as const).map((direction) => linkOf(layout, subnet, direction, before, now)),
    ),
    regions: regionsOf(before, now),
    errors: health.config.errors.map(
      ({ file, place, message }) => `${file}${place === undefined ? "" : ` ${place}`}: ${message}`,
    ),
  };
}

function nodesOf(
  layout: Layout,
  subnets: readonly string[],
  members: MembersOf,
  before: MeshLook | undefined,
  { flow }: MeshLook,
  found: ReadonlyMap<string, ComponentHealth>,
): MapNode[] {
  const here = new Map(layout.nodes.map((node) => [node.id, node.role]));
  const rates = before === undefined ? undefined : flowRates(before.flow, flow);
  const active = lastActive(flow);
  const roots = layout.nodes.filter(({ role }) => role === "root").map(({ id }) => id);
  const ids = [
    ...(roots.length > 0 ? roots : rootNodeIds(1)),
    ...subnets.flatMap((subnet) => {
      const named = layout.nodes.flatMap(({ id, role }) =>
        role === "member" && id.startsWith(`${subnet}/`) ? [id] : [],
      );
      const known = (members.get(subnet) ?? []).map((name) => `${subnet}/${name}`);
      const hubs = layout.nodes.flatMap(({ id, role }) =>
        role === "hub" && id.startsWith(`${subnet}/`) ? [id] : [],
      );
      return [...(hubs.length > 0 ? hubs : hubNodeIds(subnet, 1)), ...new Set([...known, ...named])];
    }),
  ];
  return ids.map((id): MapNode => {
    const role = here.get(id) ?? (id.endsWith("/hub") ? "hub" : id.includes("/") ? "member" : "root");
    const health = found.get(`node ${id}`);
    const [published, handled, last] = [rates?.published.get(id), rates?.handled.get(id), active.get(id)];
    const outbox = waitingIn(health);
    const elsewhere =
      role === "root" && layout.joinedTo !== undefined
        ? `on another machine: ${layout.joinedTo}`
        : "on another machine";
    return {
      id,
      role,
      state: here.has(id) ? (health?.ready === true ? "ready" : "unready") : "elsewhere",
      note: here.has(id) ? (health?.note ?? "is not known") : elsewhere,
      ...(health?.lag === undefined ? lagOf(id, role, flow) : { lag: health.lag }),
      ...(outbox === undefined || outbox === 0 ? {} : { outbox }),
      ...(published === undefined ? {} : { published: rounded(published) }),
      ...(handled === undefined ? {} : { handled: rounded(handled) }),
      ...(last === undefined ? {} : { lastActive: last }),
      ...standingBy(health),
    };
  });
}

/** A member of another machine has no daemon to ask; its durables are at its hub. */
function lagOf(id: string, role: MapNode["role"], flow: FlowLook): { readonly lag?: number } {
  if (role !== "member") return {};
  const pending = flow.subnets.flatMap(({ durables }) => durables).filter(({ member }) => member === id);
  return pending.length === 0 ? {} : { lag: Math.max(...pending.map((one) => one.pending)) };
}

function lastActive(flow: FlowLook): Map<string, string> {
  const last = new Map<string, string>();
  for (const { member, lastActive: at } of flow.subnets.flatMap(({ durables }) => durables))
    if (at !== undefined && at > (last.get(member) ?? "")) last.set(member, at);
  return last;
}

/** The part of a hub's daemon that takes turns with others tells who serves. */
function standingBy(health: ComponentHealth | undefined): { readonly standsBy?: boolean } {
  const duty = health?.details?.["duty"] as { readonly holder?: unknown } | undefined;
  return duty === undefined ? {} : { standsBy: duty.holder !== health?.name.split("/")[1] };
}

function waitingIn(health: ComponentHealth | undefined): number | undefined {
  const { waiting } = (health?.details?.["outbox"] ?? {}) as { readonly waiting?: unknown };
  return typeof waiting === "number" ? waiting : undefined;
}

/** A subnet that exchanges nothing with others: all root daemons are ready, and none has a link of it. */
function hasNoLinks({ nodes }: Layout, subnet: string, now: MeshLook): boolean {
  const roots = nodes.filter(({ role }) => role === "root").map(({ id }) => id);
  const { components } = now.health;
  const isReady = (id: string): boolean =>
    components.some(({ kind, name, ready }) => kind === "node" && name === id && ready);
  const found = ["up", "down"].flatMap((direction) => linkCarriers(components, `${direction} ${subnet}`));
  return roots.length > 0 && roots.every(isReady) && found.length === 0;
}

function linkOf(
  layout: Layout,
  subnet: string,
  direction: "up" | "down",
  before: MeshLook | undefined,
  now: MeshLook,
): MapLink {
  const name = `${direction} ${subnet}`;
  const found = linkCarriers(now.health.components, name);
  const base = { subnet, direction };
  if (!layout.nodes.some(({ role }) => role === "root"))
    return { ...base, ...seenFromHub(direction, flowAt(now, subnet)), refused: 0, carriers: [] };
  if (found.length === 0)
    return { ...base, state: "down", note: "no root daemon answers", refused: 0, carriers: [] };
  const carriers = found.map(({ root, health }): MapCarrier => {
    const standsBy = health.details?.["standsBy"] === true && found.length > 1;
    const state = health.ready ? (standsBy ? "stands by" : "serves") : "down";
    return { root, state, carried: figure(health, "carried") ?? 0, note: health.note };
  });
  const ready = found.filter(({ health }) => health.ready);
  const served = (ready.length > 0 ? ready : found).find(
    ({ health }) => health.details?.["standsBy"] !== true,
  );
  const rate = ratesOf(found, name, before, now);
  const [carried, refusals, lag] = [rate("carried"), rate("refused"), found[0]?.health.lag];
  const silent = silentServer(layout, subnet, now);
  return {
    ...base,
    state: ready.length > 0 && silent === undefined ? "ready" : "down",
    note: silent ?? (served ?? ready[0] ?? found[0])?.health.note ?? "",
    ...(lag === undefined ? {} : { lag }),
    refused: refusedBy(found),
    ...(carried === undefined ? {} : { carried }),
    ...(refusals === undefined ? {} : { refusals }),
    carriers,
  };
}

/** What a link carries or refuses in a second, of all root daemons together. */
function ratesOf(
  found: readonly LinkCarrier[],
  name: string,
  before: MeshLook | undefined,
  now: MeshLook,
): (key: "carried" | "refused") => number | undefined {
  const earlier = new Map(
    linkCarriers(before?.health.components ?? [], name).map(({ root, health }) => [root, health]),
  );
  const seconds = before === undefined ? 0 : (now.flow.atMs - before.flow.atMs) / 1000;
  return (key) => {
    const each = found.map(({ root, health }) =>
      perSecond(figure(earlier.get(root), key), figure(health, key), seconds),
    );
    const known = each.filter((one) => one !== undefined);
    return known.length === 0 ? undefined : rounded(known.reduce((sum, one) => sum + one, 0));
  };
}

function refusedBy(found: readonly LinkCarrier[]): number {
  return found.reduce((sum, { health }) => sum + (figure(health, "refused") ?? 0), 0);
}

function regionsOf(before: MeshLook | undefined, now: MeshLook): MapRegion[] {
  const names = now.health.components.flatMap(({ kind, name }) => {
    const [, region] = (kind === "link" && /^region (\S+)/.exec(name)) || [];
    return region === undefined ? [] : [region];
  });
  return [...new Set(names)].map((region): MapRegion => {
    const name = `region ${region}`;
    const found = linkCarriers(now.health.components, name);
    const best = found.find(({ health }) => health.ready) ?? found[0];
    const carried = ratesOf(found, name, before, now)("carried");
    return {
      region,
      state: best?.health.ready === true ? "ready" : "down",
      note: best?.health.note ?? "",
      refused: refusedBy(found),
      ...(carried === undefined ? {} : { carried }),
    };
  });
}

/** A server at one end that does not answer: the root finds that out some seconds later. */
function silentServer({ servers }: Layout, subnet: string, { health }: MeshLook): string | undefined {
  const ends = servers.filter(({ of }) => of === subnet || of === ROOT_DOMAIN).map(({ name }) => name);
  const silent = health.components.find(
    ({ kind, name, ready, note }) =>
      kind === "server" && !ready && note === SILENT_SERVER && ends.includes(name),
  );
  return silent === undefined ? undefined : `${silent.name} ${SILENT_SERVER}`;
}

/** A machine without the root sees of a link what its hub's server knows. */
function seenFromHub(
  direction: "up" | "down",
  flow: SubnetFlow | undefined,
): Pick<MapLink, "state" | "note" | "lag"> {
  if (direction === "down" || flow?.uplink === undefined)
    return { state: "elsewhere", note: "the root reports it, on its own machine" };
  const { pending: lag, isPulled } = flow.uplink;
  return isPulled
    ? { state: "ready", note: "the root takes events", lag }
    : { state: "down", note: "the root takes no events", lag };
}

function flowAt({ flow }: MeshLook, subnet: string): SubnetFlow | undefined {
  return flow.subnets.find((one) => one.subnet === subnet);
}

function figure(health: ComponentHealth | undefined, key: string): number | undefined {
  const value = health?.details?.[key];
  return typeof value === "number" ? value : undefined;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
