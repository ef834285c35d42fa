import { describe, expect, test } from "vitest";
import { type KeptDocument, planRemovals } from "./plan-removals.ts";

const NOW_MS = 1_000_000;
const MEMBERS = new Set(["kitchen"]);
let seq = 0;
const document = (key: string, more: Partial<KeptDocument> = {}): KeptDocument => {
  const [node = "", scenario = "", word = ""] = key.split(".");
  return { subject: `run.alpha.${key}`, node, scenario, word, seq: ++seq, storedMs: 0, ...more };
};
const state = (key: string, active: readonly string[], unrecorded: readonly string[] = []): KeptDocument =>
  document(`${key}.state`, {
    text: JSON.stringify({ v: 1, triggers: { active: active.map((runId) => ({ runId })) }, unrecorded }),
  });
const removed = (...documents: readonly KeptDocument[]): string[] =>
  planRemovals(documents, (node) => !MEMBERS.has(node), NOW_MS).map(({ subject }) => subject);

describe("planRemovals()", () => {
  test("runs that their scenario names stay, others go", () => {
    expect(
      removed(
        state("kitchen.a", ["RUN-1"], ["RUN-2"]),
        ...["RUN-1", "RUN-2", "RUN-3"].map((id) => document(`kitchen.a.${id}`)),
      ),
    ).toEqual(["run.alpha.kitchen.a.RUN-3"]);
  });

  test("a young one stays: its scenario may be stored a moment later", () => {
    expect(
      removed(state("kitchen.a", []), document("kitchen.a.RUN-1", { storedMs: NOW_MS - 59_000 })),
    ).toEqual([]);
  });

  test("nothing goes that cannot be judged", () => {
    const damaged = [
      document("kitchen.b.state", { text: "{" }),
      document("kitchen.c.state", { text: '{"v":2}' }),
    ];
    const runs = ["b", "c", "d"].map((name) => document(`kitchen.${name}.RUN-1`));
    expect(removed(...damaged, ...runs)).toEqual([]);
  });

  test("what belongs to no member goes", () => {
    expect(removed(state("gone.a", ["RUN-1"]), document("gone.a.RUN-1"))).toHaveLength(2);
  });
});
