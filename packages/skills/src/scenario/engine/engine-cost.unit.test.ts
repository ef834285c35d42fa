import { expect, test } from "vitest";
import { envelope, ScenarioScene } from "../../../../../test/kit/scenario-scene.ts";
import { decide } from "./decide.ts";

const WHEN = `'now.getHours("Europe/Berlin") >= 6 && event.data.text.matches("^(light|lamp)s? on$") && event.data.n > 3'`;

test("decide() takes less than 20 µs for a condition that is false, its record included", () => {
  const { scenario, state, nowMs } = new ScenarioScene(
    `triggers: [{ event: a.b, when: ${WHEN} }]\neffects: [{ publish: a.c }]`,
  );
  const event = envelope("a.b", { text: "lights on", n: 1 });
  const batchUs = (): number => {
    const before = process.cpuUsage();
    for (let i = 0; i < 2000; i++) decide(scenario, state, { kind: "event", event }, nowMs);
    return process.cpuUsage(before).user / 2000;
  };
  // Processor time, and the quickest of some: others use the machine too.
  expect(Math.min(...Array.from({ length: 15 }, batchUs))).toBeLessThan(20);
});
