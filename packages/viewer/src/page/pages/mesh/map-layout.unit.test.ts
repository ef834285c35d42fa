import { describe, expect, test } from "vitest";
import { type Box, layoutMap, type MapLayout, type MapShape, type Point } from "./map-layout.ts";

function shape(subnets: number, members: number, roots = 1): MapShape {
  return {
    roots: Array.from({ length: roots }, (_, i) => `root-${i}`),
    subnets: Array.from({ length: subnets }, (_, s) => ({
      name: `net${s}`,
      members: Array.from({ length: members + (s % 2) }, (_, m) => `net${s}/m${m}`),
    })),
  };
}

const CASES = [
  [1, 2, 1],
  [2, 2, 1],
  [3, 0, 2],
  [5, 3, 3],
  [7, 20, 1],
  [12, 8, 2],
  [0, 0, 1],
] as const;
const WIDTHS = [360, 700, 1256, 2000];

type Segment = readonly [Point, Point];
const segments = (points: readonly Point[]): Segment[] =>
  points.slice(1).flatMap((point, i): Segment[] => {
    const from = points[i] ?? point;
    return from[0] === point[0] && from[1] === point[1] ? [] : [[from, point]];
  });
const span = (a: number, b: number): readonly [number, number] => [Math.min(a, b), Math.max(a, b)];

/** Whether two lines of right angles touch anywhere. */
function touch([a, b]: Segment, [c, d]: Segment): boolean {
  const [ax, ay, cx, cy] = [span(a[0], b[0]), span(a[1], b[1]), span(c[0], d[0]), span(c[1], d[1])];
  return ax[0] <= cx[1] && cx[0] <= ax[1] && ay[0] <= cy[1] && cy[0] <= ay[1];
}

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
const within = (inner: Box, outer: Box): boolean =>
  inner.x >= outer.x &&
  inner.y >= outer.y &&
  inner.x + inner.w <= outer.x + outer.w + 0.01 &&
  inner.y + inner.h <= outer.y + outer.h;

/** Every pair of a list. */
function pairs<T>(list: readonly T[]): (readonly [T, T])[] {
  return list.flatMap((a, i) => list.slice(i + 1).map((b) => [a, b] as const));
}

function problems({ groups, roots, root, edges, width, height }: MapLayout): string[] {
  const wrong: string[] = [];
  const page = { x: 0, y: 0, w: width, h: height };
  const outer = [root, ...groups.map(({ box }) => box)];
  if (pairs(outer).some(([a, b]) => overlap(a, b))) wrong.push("groups overlap");
  if (!outer.every((box) => within(box, page))) wrong.push("a group leaves the page");
  if (!roots.every(({ box }) => within(box, root))) wrong.push("a root daemon leaves its box");
  if (pairs(roots).some(([a, b]) => overlap(a.box, b.box))) wrong.push("root daemons overlap");
  for (const { box, subnet, hub, members } of groups) {
    const ports = edges.filter((edge) => edge.subnet === subnet).map(({ port }) => port);
    const inner = [hub, ...ports, ...members.map((member) => member.box)];
    if (ports.length !== 2) wrong.push(`${subnet} has ${ports.length} links`);
    if (!inner.every((one) => within(one, box))) wrong.push(`a box leaves ${subnet}`);
    if (pairs(inner).some(([a, b]) => overlap(a, b))) wrong.push(`boxes of ${subnet} overlap`);
  }
  const lines = edges.map(({ points }) => segments(points));
  if (pairs(lines).some(([a, b]) => a.some((one) => b.some((other) => touch(one, other)))))
    wrong.push("links touch");
  for (const { subnet, points } of edges) {
    // The last piece enters its own group.
    for (const [from, to] of segments(points.slice(0, -1))) {
      const [x, y] = [span(from[0], to[0]), span(from[1], to[1])];
      const line = { x: x[0], y: y[0] + 0.1, w: x[1] - x[0] + 0.1, h: Math.max(0, y[1] - y[0]) };
      if (outer.some((box) => overlap(box, line))) wrong.push(`a link of ${subnet} crosses a box`);
      if (!within(line, page)) wrong.push(`a link of ${subnet} leaves the page`);
    }
  }
  return wrong;
}

describe("layoutMap()", () => {
  test.each(CASES)("of %i subnets with %i members and %i roots lets nothing overlap or cross", (...of) => {
    for (const width of WIDTHS)
      expect([width, problems(layoutMap(shape(...of), width))]).toEqual([width, []]);
  });

  test("uses the width, and does not go beyond it", () => {
    expect(layoutMap(shape(12, 8), 1256).width).toBe(1256);
    expect(
      layoutMap(shape(12, 8), 1256).groups.filter(({ box }, _, all) => box.y === all[0]?.box.y),
    ).toHaveLength(4);
    expect(layoutMap(shape(2, 2), 360).width).toBe(360);
    const [only] = layoutMap(shape(1, 2), 1256).groups;
    expect(only?.box.w).toBeLessThan(500);
  });
});
