import type { JSX, RefObject } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { MapLink, MapNode, MeshMap } from "../../../api/mesh.ts";
import { Link } from "../../app/navigate.tsx";
import { visible } from "../../parts/text.tsx";
import {
  fitted,
  linkName,
  linkSentence,
  nodeSentence,
  rateText,
  serversText,
  servingHub,
  waitText,
} from "./figures.ts";
import { type Box, type Edge, type Group, layoutMap, type MapLayout, type MapShape } from "./map-layout.ts";

const MIN_WIDTH = 300;
/** Half a dot and the space around it. */
const MARK_X = 12;
/** Width of a small letter. */
const SMALL_LETTER = 6.2;

interface DiagramProps {
  readonly map: MeshMap;
  /** The name of the node or link whose details are shown. */
  readonly shown: string | undefined;
  /** The query of the address that shows another. */
  readonly queryOf: (show: string) => Record<string, string | readonly string[]>;
}

/** The mesh as a drawing: root, subnets, members, and the links between them. */
export function MeshDiagram({ map, shown, queryOf }: DiagramProps): JSX.Element {
  const [frame, width] = useWidth();
  const shape = JSON.stringify(shapeOf(map));
  const layout = useMemo(() => layoutMap(JSON.parse(shape) as MapShape, width), [shape, width]);
  const nodes = new Map(map.nodes.map((node) => [node.id, node]));
  const links = new Map(map.links.map((link) => [linkName(link), link]));
  const common = { shown, queryOf };
  return (
    <div class="mesh-frame" ref={frame}>
      {/* biome-ignore lint/a11y/useSemanticElements: there is no element for a drawing of links */}
      <svg
        class="mesh-map"
        width={layout.width}
        height={layout.height}
        role="group"
        aria-label="Map of the mesh"
      >
        <RootGroup map={map} layout={layout} />
        {layout.groups.map((group) => (
          <GroupFrame key={group.subnet} group={group} map={map} />
        ))}
        {layout.edges.map((edge) => {
          const link = links.get(linkName(edge));
          return link === undefined ? null : (
            <Wire key={linkName(edge)} edge={edge} link={link} isShown={shown === linkName(edge)} />
          );
        })}
        {layout.roots.map(({ id, box }) => (
          <NodeBox key={id} node={nodes.get(id)} box={box} name={id} line={rootLine(map, id)} {...common} />
        ))}
        {layout.groups.map(({ subnet, hub, members }) => (
          <g key={subnet}>
            {(["up", "down"] as const).map((direction) => {
              const edge = layout.edges.find((one) => one.subnet === subnet && one.direction === direction);
              const link = links.get(linkName({ subnet, direction }));
              return edge === undefined || link === undefined ? null : (
                <Port key={direction} edge={edge} link={link} hub={hub} {...common} />
              );
            })}
            <HubBox map={map} subnet={subnet} box={hub} {...common} />
            {members.map(({ id, box }) => (
              <NodeBox key={id} node={nodes.get(id)} box={box} name={id.split("/")[1] ?? id} {...common} />
            ))}
          </g>
        ))}
      </svg>
    </div>
  );
}

function shapeOf({ nodes, subnets }: MeshMap): MapShape {
  return {
    roots: nodes.filter(({ role }) => role === "root").map(({ id }) => id),
    subnets: subnets.map((name) => ({
      name,
      members: nodes
        .filter(({ id, role }) => role === "member" && id.startsWith(`${name}/`))
        .map(({ id }) => id),
    })),
  };
}

/** The width that the drawing may have; it changes with the window and with what stands beside. */
function useWidth(): [RefObject<HTMLDivElement | null>, number] {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(MIN_WIDTH);
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const measure = (): void => setWidth(Math.max(MIN_WIDTH, Math.floor(element.clientWidth)));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [frame, width];
}

function RootGroup({
  map,
  layout: { root },
}: {
  readonly map: MeshMap;
  readonly layout: MapLayout;
}): JSX.Element {
  const servers = map.servers.filter(({ of }) => of === "root");
  return (
    <g class={servers.some(({ ready }) => !ready) ? "group unready" : "group"}>
      <Rect box={root} />
      <text class="name" x={root.x + 10} y={root.y + 18}>
        root
      </text>
      <text class="small end" x={root.x + root.w - 10} y={root.y + 18}>
        {serversText(servers)}
      </text>
    </g>
  );
}

function GroupFrame({
  group: { subnet, box },
  map,
}: {
  readonly group: Group;
  readonly map: MeshMap;
}): JSX.Element {
  const servers = map.servers.filter(({ of }) => of === subnet);
  const isDown = servers.some(({ ready }) => !ready);
  // The name of one server stands in the box of its hub.
  const note = servers.length === 1 && !isDown ? "" : serversText(servers);
  return (
    <g class={isDown ? "group unready" : servers.length === 0 ? "group elsewhere" : "group"}>
      <Rect box={box} />
      <text class="name" x={box.x + 10} y={box.y + 18}>
        {fitted(visible(subnet), box.w - 120)}
      </text>
      <text class="small end" x={box.x + box.w - 10} y={box.y + 18}>
        <title>{visible(note)}</title>
        {fitted(note, 110, SMALL_LETTER)}
      </text>
    </g>
  );
}

/** Several root daemons share the links. */
function rootLine({ links }: MeshMap, id: string): string {
  const own = links.flatMap(({ carriers }) => carriers).filter(({ root }) => root === id);
  const serves = own.filter(({ state }) => state === "serves").length;
  const standsBy = own.filter(({ state }) => state === "stands by").length;
  if (own.length === 0) return "";
  return standsBy === 0 ? `${serves} of ${own.length} links` : `serves ${serves}, stands by ${standsBy}`;
}

interface HubBoxProps extends Pick<DiagramProps, "map" | "shown" | "queryOf"> {
  readonly subnet: string;
  readonly box: Box;
}

function HubBox({ map, subnet, box, ...common }: HubBoxProps): JSX.Element {
  const [server, ...others] = map.servers.filter(({ of }) => of === subnet);
  const node = servingHub(map.nodes, subnet);
  const line =
    others.length > 0 ? (node?.standsBy === false ? "serves" : "none serves") : (server?.name ?? "");
  return <NodeBox node={node} box={box} name={node?.id.split("/")[1] ?? "hub"} line={line} {...common} />;
}

interface BoxProps extends Pick<DiagramProps, "shown" | "queryOf"> {
  readonly node: MapNode | undefined;
  readonly box: Box;
  readonly name: string;
  /** Instead of rates. */
  readonly line?: string;
}

function NodeBox({ node, box, name, line, shown, queryOf }: BoxProps): JSX.Element | null {
  if (node === undefined) return null;
  const { id, state, lag = 0, outbox = 0, published, handled, role } = node;
  const waits = waitText(lag);
  const rates =
    line ?? (outbox > 0 ? `${outbox} in outbox` : `▲ ${rateText(published)}  ✓ ${rateText(handled)}`);
  const top = role === "hub" ? box.y + box.h / 2 - 4 : box.y + 18;
  return (
    <Link to="/mesh" query={queryOf(id)} class={`node ${state}${shown === id ? " shown" : ""}`}>
      <title>{visible(nodeSentence(node))}</title>
      <Rect box={box} />
      <Mark state={state} x={box.x + MARK_X} y={top - 4} />
      <text class="name" x={box.x + MARK_X + 11} y={top}>
        {fitted(visible(name), box.w - (waits === "" ? 30 : 64))}
      </text>
      <text class="small end lag" x={box.x + box.w - 6} y={top}>
        {waits}
      </text>
      <text class="small" x={box.x + MARK_X - 4} y={top + 18}>
        {fitted(rates, box.w - 12, SMALL_LETTER)}
      </text>
    </Link>
  );
}

/** A state is a shape, so that it is seen without its colour. */
function Mark({
  state,
  x,
  y,
}: {
  readonly state: string;
  readonly x: number;
  readonly y: number;
}): JSX.Element {
  if (state === "unready" || state === "down")
    return <path class="mark" d={`M${x - 4} ${y - 4}l8 8m0-8l-8 8`} />;
  return <circle class="mark" cx={x} cy={y} r={4} />;
}

interface PortProps extends Pick<DiagramProps, "shown" | "queryOf"> {
  readonly edge: Edge;
  readonly link: MapLink;
  readonly hub: Box;
}

/** The near end of a link, with what it carries. */
function Port({ edge: { port, direction }, link, hub, shown, queryOf }: PortProps): JSX.Element {
  const { state, carried, lag = 0 } = link;
  const name = linkName(link);
  const y = port.y + port.h / 2;
  const [from, to] = direction === "up" ? [hub.x, port.x + port.w] : [port.x + port.w, hub.x];
  const rate = `${direction} ${state === "down" ? "stopped" : rateText(carried)}`;
  return (
    <Link to="/mesh" query={queryOf(name)} class={`port ${state}${shown === name ? " shown" : ""}`}>
      <title>{visible(linkSentence(link))}</title>
      <path class="wire" d={`M${from} ${y}H${to}`} />
      <Arrow x={to} y={y} towards={direction === "up" ? "left" : "right"} />
      <Rect box={port} />
      <Mark state={state} x={port.x + MARK_X} y={y} />
      <text class="small" x={port.x + MARK_X + 9} y={y + 4}>
        {rate}
      </text>
      <text class="small end lag" x={port.x + port.w - 5} y={y + 4}>
        {waitText(lag)}
      </text>
    </Link>
  );
}

/** The line of a link. Its near end is a link of the page, which tells everything. */
function Wire({
  edge,
  link,
  isShown,
}: {
  readonly edge: Edge;
  readonly link: MapLink;
  readonly isShown: boolean;
}): JSX.Element {
  const [first, ...rest] = edge.points;
  const [x, y] = first ?? [0, 0];
  const end = edge.points.at(-1) ?? [0, 0];
  const flows = (link.carried ?? 0) > 0 ? " flows" : "";
  return (
    <g class={`edge ${link.state}${isShown ? " shown" : ""}${flows}`}>
      <path class="wire" d={`M${x} ${y}${rest.map(([px, py]) => `L${px} ${py}`).join("")}`} />
      {edge.direction === "up" ? (
        <Arrow x={x} y={y} towards="up" />
      ) : (
        <Arrow x={end[0]} y={end[1]} towards="right" />
      )}
    </g>
  );
}

const ARROWS = { up: "l-3 6h6z", left: "l6 -3v6z", right: "l-6 -3v6z" };

function Arrow({
  x,
  y,
  towards,
}: {
  readonly x: number;
  readonly y: number;
  readonly towards: keyof typeof ARROWS;
}): JSX.Element {
  return <path class="arrow" d={`M${x} ${y}${ARROWS[towards]}`} />;
}

function Rect({ box: { x, y, w, h } }: { readonly box: Box }): JSX.Element {
  return <rect x={x} y={y} width={w} height={h} rx={6} />;
}
