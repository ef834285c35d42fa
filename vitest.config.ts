import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Files at the same time. The unit files use a core each; those of meshes mostly wait. */
const WORKERS = Math.max(2, availableParallelism());

// Tests read the sources of every package, so that they never meet a stale build.
const resolve = { conditions: ["source"] };
const ssr = { resolve: { conditions: ["source"], externalConditions: ["source"] } };

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
          name: "unit",
          // Without it vitest leaves one core idle, which on two cores means one file at a time.
          maxWorkers: WORKERS,
          // Nothing here is timed; a loaded machine may take its time over a thousand cases.
          testTimeout: 60_000,
          include: [
            "packages/*/src/**/*.unit.test.ts",
            "schemas/events/**/*.unit.test.ts",
            "test/**/*.unit.test.ts",
            "test/tidy.test.ts",
          ],
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: "mesh",
          include: ["packages/*/src/**/*.mesh.test.ts", "test/**/*.mesh.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Real servers and processes on two cores: one file at a time.
          fileParallelism: false,
        },
      },
    ],
  },
});
