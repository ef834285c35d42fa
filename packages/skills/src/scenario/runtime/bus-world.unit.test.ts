import { expect, test } from "vitest";
import { envelope, ScenarioScene } from "../../../../../test/kit/scenario-scene.ts";
import { RecordingLog } from "../../../../../test/kit/stand-ins.ts";
import { BusWorld } from "./bus-world.ts";

const RING = `triggers: [{ event: scenario.completed }]
effects: [{ stop: done }]`;

test("a ring of scenarios that start by each other's end ends", async () => {
  const scene = new ScenarioScene(RING);
  const told: { readonly data: unknown; readonly headers: Readonly<Record<string, string>> }[] = [];
  const publish = async (_: string, data: unknown, options: { headers?: Record<string, string> } = {}) => {
    told.push({ data, headers: options.headers ?? {} });
    return envelope("scenario.completed", data);
  };
  const request = async () => envelope("a.b", {});
  const world = new BusWorld({ publish, request } as never, new RecordingLog());
  let next = envelope("scenario.completed", {}, 0);
  for (let n = 1; n < 100; n++) {
    const before = told.length;
    const { ended } = scene.input({ kind: "event", event: next });
    for (const run of ended) await world.completed(run, new AbortController().signal);
    const last = told.at(-1);
    if (told.length === before || last === undefined) break;
    next = { ...envelope("scenario.completed", last.data, n), headers: last.headers };
  }
  expect(told).toHaveLength(32);
  expect(scene.outcomes).toEqual([...Array.from({ length: 32 }, () => "stopped"), "loop"]);
});
