import type { Transport } from "@adaos/core";
import { afterAll, test } from "vitest";
import type { TransportHarness } from "./harness.ts";
import { Scene } from "./scene.ts";

/** Registers one test. */
export type Check = (name: string, run: (scene: Scene) => Promise<void>) => void;

/** Registers tests of one adapter, each with its own scene. */
export function testsOf(harness: TransportHarness): Check {
  let publisher: Promise<Transport> | undefined;
  const sharedPublisher = (): Promise<Transport> => {
    publisher ??= harness.open(harness.publishers[0]);
    return publisher;
  };
  afterAll(async () => {
    await (await publisher)?.close();
  });
  return (name, run) => {
    test(name, { timeout: harness.limitMs * 3 }, async () => {
      const scene = new Scene(harness, sharedPublisher);
      try {
        await run(scene);
      } finally {
        await scene.end();
      }
    });
  };
}
