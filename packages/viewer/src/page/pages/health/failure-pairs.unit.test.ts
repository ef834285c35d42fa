import { describe, expect, test } from "vitest";
import { countByHour, failurePairs } from "./failure-pairs.ts";

const at = (minute: number): string => new Date(Date.UTC(2026, 0, 5, 9, minute)).toISOString();
const NOTHING = {
  interventions: [],
  config_errors: [],
  lines: { written: 0, dropped: 0, torn: 0 },
  isCut: false,
};

describe("failurePairs()", () => {
  test("several restarts of a process until it is well are one failure", () => {
    const pairs = failurePairs({
      ...NOTHING,
      restarts: [
        { at: at(1), component: "root", reason: "ended by SIGKILL" },
        { at: at(2), component: "root", reason: "exit code 1" },
        { at: at(2), component: "alpha/hub", reason: "does not answer" },
        { at: at(9), component: "root", reason: "ended" },
      ],
      recoveries: [
        { at: at(3), component: "root", took_ms: 120_000 },
        { at: at(4), component: "beta/hub", took_ms: 1 },
      ],
      faults: [{ at: at(5), fault: "kill", target: "root", flow_ms: 90, ready_ms: 900, unready: [] }],
    });
    expect(pairs.map(({ what, tookMs }) => [what, tookMs])).toEqual([
      ["root", 120_000],
      ["alpha/hub", null],
      ["kill root", 90],
      ["root", null],
    ]);
    expect(pairs[0]?.reason).toBe("ended by SIGKILL");
  });
});

describe("countByHour()", () => {
  test("counts also the hours in which nothing was", () => {
    const counts = countByHour([at(0), at(59), at(61)], Date.parse(at(30)), Date.parse(at(130)));
    expect([...counts.values()]).toEqual([2, 1, 0]);
  });
});
