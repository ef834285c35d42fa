import { describe, expect, test } from "vitest";
import { linkEvent } from "./link-events.ts";
import { LinkReports, type LinkState, SETTLE_MS } from "./link-reports.ts";

const up: LinkState = { subnet: "beta", direction: "up", waiting: 3 };
const down: LinkState = { ...up, trouble: "source: the server is away" };

/** What is reported when the link has each of these states for so long, looked at each second. */
function reported(steps: readonly (readonly [state: LinkState, ms: number])[]): string[] {
  const reports = new LinkReports();
  const told: string[] = [];
  let nowMs = 0;
  for (const [state, ms] of steps) {
    const endMs = nowMs + ms;
    for (; nowMs < endMs; nowMs += 1000)
      for (const { trouble, sinceMs } of reports.look([state], nowMs))
        told.push(`${trouble === undefined ? "up" : "down"} ${sinceMs}`);
  }
  return told;
}

describe("LinkReports", () => {
  test("reports each state once, when it has lasted", () => {
    expect(
      reported([
        [up, 60_000],
        [down, 60_000],
        [up, 60_000],
      ]),
    ).toEqual(["up 0", "down 60000", "up 120000"]);
  });

  test("reports a link that never came up", () => {
    expect(reported([[down, 60_000]])).toEqual(["down 0"]);
  });

  test("leaves out a drop that does not last", () => {
    const flutter = Array.from({ length: 50 }, () => [
      [up, 60_000] as const,
      [down, SETTLE_MS - 1000] as const,
    ]).flat();
    expect(reported(flutter)).toEqual(["up 0"]);
  });

  test("reports a flapping link no more than a rate, and at last how it is", () => {
    const hour = Array.from({ length: 180 }, () => [[up, 10_000] as const, [down, 10_000] as const]).flat();
    const told = reported([...hour, [up, 1_200_000]]);
    expect(told.length).toBeLessThanOrEqual(6 + 6 + 2);
    expect(told.at(-1)).toMatch(/^up /);
  });

  test("forgets a link that is gone", () => {
    const reports = new LinkReports();
    reports.look([up], 0);
    expect(reports.look([up], SETTLE_MS)).toHaveLength(1);
    reports.look([], 2 * SETTLE_MS);
    reports.look([up], 3 * SETTLE_MS);
    expect(reports.look([up], 4 * SETTLE_MS)).toHaveLength(1);
  });
});

describe("linkEvent()", () => {
  test("has one id for one change, and says why and since when a link is down", () => {
    const sinceMs = Date.UTC(2026, 0, 5, 9, 30);
    const event = linkEvent({ ...down, sinceMs: 0 }, sinceMs);
    expect(event).toEqual(linkEvent({ ...down, sinceMs: 0 }, sinceMs));
    expect(event).toMatchObject({
      name: "mesh.link.down",
      data: { subnet: "beta", direction: "up", reason: down.trouble, since: "2026-01-05T09:30:00.000Z" },
    });
    const other = linkEvent({ ...up, sinceMs: 0 }, sinceMs);
    expect(other).toMatchObject({
      name: "mesh.link.up",
      data: { subnet: "beta", direction: "up", waiting: 3 },
    });
    expect(other.id).not.toBe(event.id);
  });
});
