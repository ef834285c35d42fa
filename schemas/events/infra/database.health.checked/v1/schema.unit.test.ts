import { fileURLToPath } from "node:url";
import { loadRegistry } from "@adaos/registry";
import { describe, expect, test } from "vitest";

const registry = await loadRegistry(fileURLToPath(new URL("../../..", import.meta.url)));
const { validate } = registry.resolve("infra.database.health.checked", 1);

describe("infra.database.health.checked@1", () => {
  test.each(["healthy", "degraded", "unhealthy"])("takes the status %s", (status) => {
    expect(validate({ status, latency_ms: 0 })).toEqual({ valid: true, violations: [] });
  });

  test("takes any details", () => {
    const details = { query_count: 1200, error_rate: 0.02, slowest: { query: "select 1", ms: 12 } };
    expect(validate({ status: "healthy", latency_ms: 4.2, details }).valid).toBe(true);
  });

  test("refuses a time that is not in UTC", () => {
    const { violations } = validate({
      status: "healthy",
      latency_ms: 1,
      timestamp: "2026-01-05T10:30:00+01:00",
    });
    expect(violations[0]?.pointer).toBe("/timestamp");
  });
});
