/** What is drawn, by names alone. */
export interface MapShape {
  /** `root`, `root-2` */
  readonly roots: readonly string[];
  readonly subnets: readonly { readonly name: string; readonly members: readonly string[] }[];
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export type Point = readonly [x: number, y: number];

/** One direction between the root and a subnet: a line of right angles, and the box that stands at its end. */
export interface Edge {
  readonly subnet: string;
  readonly direction: "up" | "down";
  readonly port: Box;
  /** From the root to the port. */
  readonly points: readonly Point[];
}

export interface Group {
  readonly subnet: string;
  readonly box: Box;
  readonly hub: Box;
  readonly members: readonly { readonly id: string; readonly box: Box }[];
}

export interface MapLayout {
  readonly width: number;
  readonly height: number;
  readonly root: Box;
  readonly roots: readonly { readonly id: string; readonly box: Box }[];
  readonly groups: readonly Group[];
  readonly edges: readonly Edge[];
}

/* All in pixels. */
const PAD = 10;
const GAP = 8;
const HEAD = 26;
const NODE_H = 46;
const PORT = { w: 118, h: 28 };
const HUB_H = PORT.h * 2 + 6;
const MIN_GROUP = 244;
const MAX_GROUP = 430;
const MIN_MEMBER = 102;
const ROOT_W = 176;
const ROW_GAP = 18;
const BETWEEN = 16;
/** Space beside the lanes of a gutter. */
const GUTTER_ROOM = 20;
/** Before and after the lanes that cross the page. */
const BUS_ROOM = 14;

/**
 * Places root, subnets, members and links. The root stands on top, the subnets in rows below it; left of each column of
 * subnets a gutter has a lane for each of its links. No line crosses a box or another line. Pure.
 * @param width Available pixels.
 */
export function layoutMap({ roots, subnets }: MapShape, width: number): MapLayout {
  const { columns, rows, pitch, gutter, groupWidth } = gridOf(subnets.length, width);
  const left = Math.max(0, (width - columns * (gutter + groupWidth) - (columns - 1) * GAP) / 2);
  const root = rootBox(roots.length, width);
  const ends = subnets.flatMap((_, i) => laneEnds(i, columns, rows, pitch, left, gutter, groupWidth));
  const busTop = root.y + root.h + BUS_ROOM;
  const lanes = assignLanes(ends, root, pitch);
  const busHeight = Math.max(1, ...lanes.map(({ lane }) => lane + 1)) * pitch;

  const groups: Group[] = [];
  const edges: Edge[] = [];
  let top = busTop + busHeight + BUS_ROOM;
  for (let row = 0; row < rows; row++) {
    const inRow = subnets.slice(row * columns, (row + 1) * columns);
    const placed = inRow.map((subnet, column) =>
      groupAt(subnet, left + column * (gutter + groupWidth + GAP) + gutter, top, groupWidth),
    );
    groups.push(...placed);
    top += Math.max(0, ...placed.map(({ box }) => box.h)) + ROW_GAP;
  }
  for (const { index, direction, x, exit, lane } of lanes) {
    const group = groups[index];
    if (group === undefined) continue;
    const port = portOf(group.box, direction);
    const [y, portY] = [busTop + lane * pitch, port.y + port.h / 2];
    const points: Point[] = [
      [exit, root.y + root.h],
      [exit, y],
      [x, y],
      [x, portY],
      [port.x, portY],
    ];
    edges.push({ subnet: group.subnet, direction, port, points });
  }
  const height = Math.max(root.y + root.h, ...groups.map(({ box }) => box.y + box.h)) + PAD;
  return {
    width: Math.max(width, gutter + groupWidth),
    height,
    root,
    roots: rootNodes(roots, root),
    groups,
    edges,
  };
}

/** As many columns as fit, of groups as wide as fit. */
function gridOf(
  count: number,
  width: number,
): { columns: number; rows: number; pitch: number; gutter: number; groupWidth: number } {
  for (let columns = Math.max(1, count); ; columns--) {
    const rows = Math.max(1, Math.ceil(count / columns));
    const pitch = rows > 4 ? 4 : 6;
    const gutter = rows * 2 * pitch + GUTTER_ROOM;
    const room = (width - columns * gutter - (columns - 1) * GAP) / columns;
    if (room < MIN_GROUP && columns > 1) continue;
    return {
      columns,
      rows,
      pitch,
      gutter,
      groupWidth: Math.min(MAX_GROUP, Math.max(MIN_GROUP, Math.floor(room))),
    };
  }
}

function rootBox(count: number, width: number): Box {
  const perRow = Math.max(1, Math.min(count, Math.floor((width - 2 * PAD + GAP) / (ROOT_W + GAP))));
  const rows = Math.max(1, Math.ceil(count / perRow));
  const w = perRow * (ROOT_W + GAP) - GAP + 2 * PAD;
  const h = HEAD + rows * (NODE_H + GAP) - GAP + PAD;
  return { x: Math.max(0, (width - w) / 2), y: 2, w, h };
}

function rootNodes(roots: readonly string[], box: Box): MapLayout["roots"] {
  const perRow = Math.max(1, Math.floor((box.w - 2 * PAD + GAP) / (ROOT_W + GAP)));
  return roots.map((id, i) => {
    const x = box.x + PAD + (i % perRow) * (ROOT_W + GAP);
    const y = box.y + HEAD + Math.floor(i / perRow) * (NODE_H + GAP);
    return { id, box: { x, y, w: ROOT_W, h: NODE_H } };
  });
}

interface LaneEnd {
  readonly index: number;
  readonly direction: "up" | "down";
  /** Where its lane goes down in the gutter. */
  readonly x: number;
}

/** Lower rows have the lanes further left, so that what turns right to an upper row crosses none of them. */
function laneEnds(
  index: number,
  columns: number,
  rows: number,
  pitch: number,
  left: number,
  gutter: number,
  groupWidth: number,
): LaneEnd[] {
  const [row, column] = [Math.floor(index / columns), index % columns];
  const first = left + column * (gutter + groupWidth + GAP) + GUTTER_ROOM / 2;
  const lane = (rows - 1 - row) * 2;
  return [
    { index, direction: "down", x: first + lane * pitch },
    { index, direction: "up", x: first + (lane + 1) * pitch },
  ];
}

/**
 * Where each link leaves the root, and its lane across the page. Links leave in the order of their gutters; of those to
 * the left the leftmost has the highest lane, of those to the right the rightmost: so none crosses another.
 */
function assignLanes(
  ends: readonly LaneEnd[],
  root: Box,
  pitch: number,
): (LaneEnd & { readonly exit: number; readonly lane: number })[] {
  const sorted = ends.toSorted((a, b) => a.x - b.x);
  const step = Math.min(pitch, (root.w - 2 * PAD) / Math.max(1, sorted.length));
  const middle = root.x + root.w / 2;
  const leaving = sorted.map((end, i) => ({ ...end, exit: middle + (i - (sorted.length - 1) / 2) * step }));
  const isLeft = ({ x, exit }: { readonly x: number; readonly exit: number }): boolean => x <= exit;
  const toLeft = leaving.filter(isLeft).map((end, lane) => ({ ...end, lane }));
  const toRight = leaving
    .filter((end) => !isLeft(end))
    .toReversed()
    .map((end, lane) => ({ ...end, lane }));
  return [...toLeft, ...toRight];
}

function groupAt({ name, members }: MapShape["subnets"][number], x: number, y: number, w: number): Group {
  const inner = w - 2 * PAD;
  const perRow = Math.max(1, Math.min(members.length, Math.floor((inner + GAP) / (MIN_MEMBER + GAP))));
  const memberWidth = (inner + GAP) / perRow - GAP;
  const below = y + HEAD + HUB_H + GAP;
  const hubX = x + PAD + PORT.w + BETWEEN;
  const rows = Math.ceil(members.length / perRow);
  const h = HEAD + HUB_H + (rows === 0 ? 0 : rows * (NODE_H + GAP)) + PAD;
  return {
    subnet: name,
    box: { x, y, w, h },
    hub: { x: hubX, y: y + HEAD, w: x + w - PAD - hubX, h: HUB_H },
    members: members.map((id, i) => ({
      id,
      box: {
        x: x + PAD + (i % perRow) * (memberWidth + GAP),
        y: below + Math.floor(i / perRow) * (NODE_H + GAP),
        w: memberWidth,
        h: NODE_H,
      },
    })),
  };
}

function portOf(group: Box, direction: "up" | "down"): Box {
  const y = group.y + HEAD + (direction === "up" ? 0 : PORT.h + 6);
  return { x: group.x + PAD, y, ...PORT };
}
