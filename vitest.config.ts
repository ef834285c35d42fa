import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Files at the same time, one a core: two mesh files keep the daemons of two cores busy nearly all the time. */
const WORKERS = Math.max(2, availableParallelism());

// Tests read the sources of every package, so that they never meet a stale build.
const resolve = { conditions: ["source"] };
const ssr = { resolve: { conditions: ["source"], externalConditions: ["source"] } };

/** They measure rates and gaps in seconds, or flood a server: what runs beside them would change what they find. */
const ALONE = [
  "test/mesh/bench.mesh.test.ts",
  "test/mesh/hostile-flood.mesh.test.ts",
  "test/mesh/hostile-hub.mesh.test.ts",
  "test/mesh/limits.mesh.test.ts",
  "test/mesh/links.mesh.test.ts",
  "test/mesh/outbox.mesh.test.ts",
  "packages/bench/src/peers/peers.mesh.test.ts",
];
/** They replace modules, or register what a process has only one of. */
const ISOLATED = [
  "packages/core/src/measure/tracing-with-sdk.unit.test.ts",
  "packages/client/src/spans.unit.test.ts",
  "packages/daemon/src/**/*.unit.test.ts",
];
const unit = {
  // Without it vitest leaves one core idle, which on two cores means one file at a time.
  maxWorkers: WORKERS,
  // Nothing here is timed; a loaded machine may take its time over a thousand cases.
  testTimeout: 120_000,
};
/** Real servers and processes, which take their time on two cores. */
const mesh = { testTimeout: 120_000, hookTimeout: 120_000, expect: { poll: { timeout: 20_000 } } };

export default defineConfig({
  test: {
    reporters: ["default", "./test/kit/reporter.ts"],
    // Processes that tests start are the bundle that users run; it is brought up to date once before them.
    globalSetup: "scripts/bundle.mjs",
    projects: [
      {
        resolve,
        ssr,
        test: {
          ...unit,
          name: "unit",
          // A worker loads the packages once, not once a file: two thirds of the time. Tests restore what they change.
          isolate: false,
          include: [
            "packages/*/src/**/*.unit.test.ts",
            "schemas/events/**/*.unit.test.ts",
            "test/**/*.unit.test.ts",
            "test/tidy.test.ts",
          ],
          exclude: ISOLATED,
        },
      },
      {
        resolve,
        ssr,
        test: { ...unit, name: "unit-isolated", include: ISOLATED },
      },
      {
        resolve,
        ssr,
        test: {
          ...mesh,
          name: "mesh",
          // As with unit tests: reading the sources anew for each file would take a tenth of the time.
          isolate: false,
          include: ["packages/*/src/**/*.mesh.test.ts", "test/**/*.mesh.test.ts"],
          exclude: ALONE,
          maxWorkers: WORKERS,
          sequence: { groupOrder: 1 },
        },
      },
      {
        resolve,
        ssr,
        test: {
          ...mesh,
          name: "mesh-alone",
          include: ALONE,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
