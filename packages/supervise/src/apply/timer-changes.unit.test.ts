import { resolveTimer, type TimerDefinition } from "@adaos/core/wire";
import { expect, test } from "vitest";
import { diffTimers } from "./timer-changes.ts";

function timer(everyMs: number): TimerDefinition {
  const event = { name: "timer.tick", version: 1, kind: "event" } as const;
  return resolveTimer("t", { everyMs }, event, undefined, 0);
}

test("diffTimers() names what comes, changes and goes, and nothing else", () => {
  const was = new Map([
    ["alpha/kitchen/same", timer(1000)],
    ["alpha/kitchen/other", timer(1000)],
    ["alpha/kitchen/old", timer(1000)],
  ]);
  const is = new Map([
    ["alpha/kitchen/same", timer(1000)],
    ["alpha/kitchen/other", timer(2000)],
    ["alpha/desk/new", timer(1000)],
  ]);
  expect(diffTimers(was, is)).toEqual([
    { change: "comes", timer: "alpha/desk/new" },
    { change: "goes", timer: "alpha/kitchen/old" },
    { change: "changes", timer: "alpha/kitchen/other" },
  ]);
});
