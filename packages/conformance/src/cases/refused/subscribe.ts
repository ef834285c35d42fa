import { parseEventPattern } from "@adaos/core";
import { expect } from "vitest";
import type { TransportHarness } from "../../harness.ts";
import type { Check } from "../../tests-of.ts";

const BAD_DURABLES = ["", "Main", "ui.main", "main durable", "*", "-main", "m".repeat(64)];
const BAD_LIMITS = [0, -1, 1.5, Number.NaN, 10_001];

/** The refusals of subscribe(). */
export function checkSubscribeRefusals(
  check: Check,
  { traits, forbidden, subscribers }: TransportHarness,
): void {
  check("refuses a name or a limit that it cannot have as usage", async (scene) => {
    const to = await scene.open(subscribers[0]);
    const good = {
      durable: scene.durable("main"),
      pattern: parseEventPattern(scene.topic),
      from: {},
      maxAckPending: 10_000,
      startAt: "new",
      answers: false,
    } as const;
    const bad = [
      ...BAD_DURABLES.map((durable) => ({ ...good, durable })),
      ...BAD_LIMITS.map((maxAckPending) => ({ ...good, maxAckPending })),
    ];
    for (const options of bad) {
      const refusal = await to.subscribe(options, () => undefined).catch((thrown: unknown) => thrown);
      expect(refusal, JSON.stringify(options)).toMatchObject({ name: "MeshError", code: "usage" });
    }
    await to.subscribe(good, () => undefined);
  });

  if (!traits.enforcesRights) return;
  check("refuses a pattern that policy does not allow as denied", async (scene) => {
    const to = await scene.open(subscribers[0]);
    for (const pattern of [forbidden, "*"]) {
      const refused = scene.subscribe(to, { pattern });
      await expect(refused).rejects.toMatchObject({ name: "MeshError", code: "denied" });
    }
  });
}
