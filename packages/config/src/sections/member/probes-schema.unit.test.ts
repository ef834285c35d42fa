import { describe, expect, test } from "vitest";
import { placedProbes, probesSchema } from "./probes-schema.ts";

const problemsOf = (probe: object): string[] =>
  (probesSchema.safeParse({ db: probe }).error?.issues ?? []).map(
    ({ path, message }) => `${path.slice(1).join(".")}: ${message}`,
  );

describe("probesSchema", () => {
  test("fills in interval, times and thresholds", () => {
    const { db } = probesSchema.parse({ db: { type: "redis", urlEnv: "REDIS_URL" } });
    expect(db).toEqual({
      type: "redis",
      urlEnv: "REDIS_URL",
      intervalMs: 30_000,
      timeoutMs: 5000,
      degradedMs: 100,
      unhealthyMs: 200,
      connectionPoolSize: 1,
    });
  });

  test.each([
    "postgresql://app:hunter2@db/orders",
    "redis://:hunter2@cache",
    "nats://token@server",
    "libsql://db.turso.io?authToken=abc",
    "https://api/health?api_key=abc",
  ])("refuses the secret in %s, and does not repeat it", (url) => {
    const problems = problemsOf({ type: "http", url });
    expect(problems).toEqual([
      "url: holds a password or token; put it in a file (urlFile) or an environment variable (urlEnv)",
    ]);
  });

  test.each(["postgresql://app@db/orders?sslmode=require", "redis://cache:6379/1", "files.db"])(
    "takes %s",
    (url) => {
      expect(problemsOf({ type: "tcp", url })).toEqual([]);
    },
  );

  test.each([
    ["no place", {}, "type: needs exactly one of url, urlEnv and urlFile beside it"],
    ["two places", { url: "tcp://a:1", urlEnv: "A" }, "type: needs exactly one of"],
    ["thresholds the wrong way round", { url: "tcp://a:1", degradedMs: 300 }, "degradedMs: must not be more"],
  ])("refuses %s", (_, more, problem) => {
    expect(problemsOf({ type: "tcp", ...more })).toEqual([expect.stringContaining(problem)]);
  });
});

test("placedProbes() finds files from the folder of the mesh file", () => {
  const probes = probesSchema.parse({
    a: { type: "sqlite", url: "files.db" },
    b: { type: "redis", urlFile: "../secrets/redis" },
    c: { type: "sqlite", url: "file:/files.db" },
  });
  const placed = placedProbes(probes, "/srv/mesh");
  expect(placed).toMatchObject({
    a: { url: "/srv/mesh/files.db" },
    b: { urlFile: "/srv/secrets/redis" },
    c: { url: "file:/files.db" },
  });
  expect(placedProbes(undefined, "/srv/mesh")).toBeUndefined();
});
