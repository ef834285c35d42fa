import type { MapLink, MapNode, MapServer, MeshMap } from "../../../api/mesh.ts";

const TENTHS_BELOW = 10;
/** Width of a letter of a name, in pixels. */
const NAME_LETTER = 8.4;

/** Events per second, short enough for a box: `0`, `3.2`, `48`, `1.5k`; `–` while it is not known. Pure. */
export function rateText(rate: number | undefined): string {
  if (rate === undefined) return "–";
  if (rate === 0) return "0";
  if (rate < 0.1) return "<0.1";
  if (rate < TENTHS_BELOW) return rate.toFixed(1);
  if (rate < 1000) return String(Math.round(rate));
  return `${(rate / 1000).toFixed(rate < 10_000 ? 1 : 0)}k`;
}

/** How many wait, short enough for a box: `+12`, `+4k`; empty for none. Pure. */
export function waitText(lag: number): string {
  if (lag <= 0) return "";
  return lag < 1000 ? `+${lag}` : `+${Math.round(lag / 1000)}k`;
}

/** How long ago, in the largest unit: `4 s`, `12 min`, `3 h`, `5 d`. Pure. */
export function agoText(at: string, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(at)) / 1000));
  if (Number.isNaN(seconds)) return "?";
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** As much of a text as fits into so many pixels of the diagram. Pure. */
export function fitted(text: string, pixels: number, perLetter: number = NAME_LETTER): string {
  const letters = Math.max(1, Math.floor(pixels / perLetter));
  return text.length <= letters ? text : `${text.slice(0, Math.max(1, letters - 1))}…`;
}

/** The state of a daemon in a word. Pure. */
export function stateWord(state: MapNode["state"] | MapLink["state"]): string {
  return state === "unready" ? "not ready" : state;
}

/** A daemon in one sentence, for those who do not see its box. Pure. */
export function nodeSentence({ id, state, lag = 0, outbox = 0, published, handled, note }: MapNode): string {
  const rates =
    published === undefined && handled === undefined
      ? ""
      : `, ${rateText(published)} published and ${rateText(handled)} handled per second`;
  const waits = lag === 0 ? "" : `, ${lag} waiting`;
  const queued = outbox === 0 ? "" : `, ${outbox} in the outbox`;
  return `${id}, ${stateWord(state)}${rates}${waits}${queued}${state === "ready" ? "" : `: ${note}`}`;
}

/** A link in one sentence. Pure. */
export function linkSentence({
  direction,
  subnet,
  state,
  lag = 0,
  carried,
  refusals = 0,
  note,
}: MapLink): string {
  const rate = carried === undefined ? "" : `, ${rateText(carried)} carried per second`;
  const waits = lag === 0 ? "" : `, ${lag} waiting`;
  const refused = refusals === 0 ? "" : `, ${rateText(refusals)} refused per second`;
  return `link ${direction} ${subnet}, ${stateWord(state)}${rate}${waits}${refused}${state === "ready" ? "" : `: ${note}`}`;
}

/** How a link is named in the address: `up alpha`. Pure. */
export function linkName({ direction, subnet }: Pick<MapLink, "direction" | "subnet">): string {
  return `${direction} ${subnet}`;
}

/** The servers of a hub or the root in few words: `nats-alpha`, `3 servers`, `nats-alpha-2 is down`. Pure. */
export function serversText(servers: readonly MapServer[]): string {
  const [first, ...others] = servers;
  if (first === undefined) return "elsewhere";
  const down = servers.filter(({ ready }) => !ready).map(({ name }) => name);
  if (down.length > 1) return `${down.length} of ${servers.length} servers are down`;
  if (down.length === 1) return `${down[0]} is down`;
  return others.length === 0 ? first.name : `${servers.length} servers`;
}

/** The daemon by which a subnet's hub is shown: of several, the one that serves. Pure. */
export function servingHub(nodes: readonly MapNode[], subnet: string): MapNode | undefined {
  const hubs = nodes.filter(({ id, role }) => role === "hub" && id.startsWith(`${subnet}/`));
  const serves = hubs.find(({ state, standsBy }) => state === "ready" && standsBy !== true);
  return serves ?? hubs.find(({ standsBy }) => standsBy === false) ?? hubs[0];
}

/** What is ready of a mesh, and what is not. Pure. */
export function countsOf({ nodes, links, servers }: MeshMap): {
  readonly ready: number;
  readonly known: number;
} {
  const known = [...nodes, ...links].filter(({ state }) => state !== "elsewhere");
  const ready = known.filter(({ state }) => state === "ready").length;
  return {
    ready: ready + servers.filter((server) => server.ready).length,
    known: known.length + servers.length,
  };
}
