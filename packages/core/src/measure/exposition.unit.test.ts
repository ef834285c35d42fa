import { describe, expect, test } from "vitest";
import { parseExposition, readValue } from "../../../../test/kit/parse-exposition.ts";
import { METRICS } from "./catalogue/bus-metrics.ts";
import { NODE_METRICS } from "./catalogue/node-metrics.ts";
import { exposition, type Family, formatFor, mergeFamilies } from "./exposition.ts";
import type { Counted } from "./metrics.ts";
import { countedFamilies, figureFamilies } from "./prometheus.ts";

const COUNTED: Counted = {
  counters: [["attemptsFailed", ["d", "transient", 'Odd\\"Error\n'], 3]],
  histograms: [
    [
      "handlingMs",
      ["d"],
      {
        count: 3,
        sum: 700,
        min: 1,
        max: 500,
        buckets: [
          [0, 1],
          [50, 1],
          [66, 1],
        ],
      },
    ],
    ["retries", ["d"], { count: 1, sum: 2, min: 2, max: 2, buckets: [[8, 1]] }],
  ],
};
const FAMILIES = mergeFamilies([
  ...figureFamilies([
    { metric: "nodeInfo", labels: ["alpha/hub", "hub"], value: 1 },
    { metric: "nodeReady", value: 0 },
    { metric: "linkCarried", labels: ["alpha", "up"], value: 2 ** 60 },
    { metric: "linkLagSeconds", labels: ["alpha", "up"], value: Number.POSITIVE_INFINITY },
  ]),
  ...countedFamilies([{ labels: [["node", "alpha/kitchen"]], counted: COUNTED }]),
]);
const FORMATS = ["text", "openmetrics"] as const;

describe("exposition()", () => {
  test.each(FORMATS)("is read by a strict reader, %s", (format) => {
    const read = parseExposition(exposition(FAMILIES, format), format);
    expect(readValue(read, "adaos_node_info", { node: "alpha/hub", role: "hub" })).toBe(1);
    expect(readValue(read, "adaos_node_ready")).toBe(0);
    expect(readValue(read, "adaos_link_carried_total")).toBe(2 ** 60);
    expect(readValue(read, "adaos_link_lag_seconds")).toBe(Number.POSITIVE_INFINITY);
    expect(readValue(read, "adaos_attempts_failed_total", { type: 'Odd\\"Error\n' })).toBe(3);
    expect(readValue(read, "adaos_handling_duration_seconds_sum")).toBe(0.7);
    expect(readValue(read, "adaos_handling_duration_seconds_bucket", { le: "+Inf" })).toBe(3);
    const two = format === "text" ? "2" : "2.0";
    expect(readValue(read, "adaos_event_retries_bucket", { le: two })).toBe(1);
  });

  test("names families in OpenMetrics without what their samples end with", () => {
    const text = exposition(FAMILIES, "openmetrics");
    expect(text).toContain("# TYPE adaos_link_carried counter\nadaos_link_carried_total{");
    expect(text).toContain("# TYPE adaos_node info\nadaos_node_info{");
    expect(text.endsWith("\n# EOF\n")).toBe(true);
    expect(exposition(FAMILIES, "text")).toContain("# TYPE adaos_node_info gauge\n");
  });

  test.each(FORMATS)("of nothing is read too, %s", (format) => {
    expect(parseExposition(exposition(countedFamilies([]), format), format)).toEqual([]);
  });
});

describe("mergeFamilies()", () => {
  test("makes one family of those of one name", () => {
    const one = figureFamilies([{ metric: "deadLetters", value: 1 }]);
    const two = figureFamilies([{ metric: "linkHeld", labels: ["alpha", "up"], value: 1 }]);
    const three = figureFamilies([{ metric: "linkHeld", labels: ["alpha", "down"], value: 0 }]);
    const merged = mergeFamilies([...two, ...one, ...three]);
    expect(merged.map(({ name, samples }) => [name, samples.length])).toEqual([
      ["adaos_link_held", 2],
      ["adaos_dead_letters", 1],
    ]);
  });
});

describe("figureFamilies()", () => {
  test("leaves out what is too much of one metric", () => {
    const figures = Array.from({ length: 10_001 }, (_, i) => {
      return { metric: "marks", labels: [`alpha/m${i}`], value: 1 } as const;
    });
    expect(figureFamilies(figures)[0]?.samples).toHaveLength(10_000);
  });
});

describe("the catalogue", () => {
  const all = [...Object.values(METRICS), ...Object.values(NODE_METRICS)];

  test("has each name once, and each by the conventions", () => {
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    for (const { name, type, labels, help } of all) {
      expect(name).toMatch(/^adaos_[a-z]+(_[a-z]+)*$/);
      expect([name, name.endsWith("_total")]).toEqual([name, type === "counter"]);
      expect([name, name.endsWith("_info")]).toEqual([name, type === "info"]);
      expect(help).toMatch(/^[A-Z1].*\.$/);
      for (const label of labels) expect(label).toMatch(/^[a-z]+(_[a-z]+)*$/);
    }
  });
});

describe("formatFor()", () => {
  const asked = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
  test.each([
    [undefined, "text"],
    ["*/*", "text"],
    ["text/plain", "text"],
    [asked, "openmetrics"],
    ["text/plain;version=0.0.4;q=0.5,application/openmetrics-text;q=0.4", "text"],
    ["application/openmetrics-text; version=1.0.0", "openmetrics"],
    ["application/openmetrics-text;q=0", "text"],
  ])("of %s is %s", (accept, format) => {
    expect(formatFor(accept)).toBe(format);
  });
});

describe("parseExposition()", () => {
  const help = "# HELP a_total x\n# TYPE a_total counter\n";
  test.each([
    ["no end", `${help}a_total 1`],
    ["a series twice", `${help}a_total 1\na_total 2\n`],
    ["help twice", `# HELP a_total x\n${help}`],
    ["a family twice", `${help}# HELP b x\n# TYPE b gauge\n${help}`],
    ["no type", "# HELP a_total x\na_total 1\n"],
    ["another's sample", `${help}b 1\n`],
    ["no number", `${help}a_total x\n`],
    ["an unescaped quote", `${help}a_total{b="c"d"} 1\n`],
    ["a trailing comma", `${help}a_total{b="c",} 1\n`],
  ])("refuses %s", (_, text) => {
    expect(() => parseExposition(text, "text")).toThrow();
  });

  test("refuses OpenMetrics without its end", () => {
    const families: Family[] = [];
    expect(() => parseExposition(exposition(families, "text"), "openmetrics")).toThrow("EOF");
  });
});
