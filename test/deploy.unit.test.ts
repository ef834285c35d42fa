import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ALERTS, METRICS, NODE_METRICS } from "@adaos/core/wire";
import { parser } from "@grafana/lezer-logql";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { HOME } from "./kit/mesh.ts";

const read = (file: string): string => readFileSync(join(HOME, file), "utf8");

interface RuleFile {
  readonly groups: readonly {
    readonly rules: readonly { readonly record?: string; readonly alert?: string; readonly expr: string }[];
  }[];
}

function rulesIn(file: string): RuleFile["groups"][number]["rules"] {
  return (parse(read(file)) as RuleFile).groups.flatMap(({ rules }) => rules);
}

const RECORDING = rulesIn("deploy/prometheus/rules/adaos-recording.yaml");
const ALERTING = rulesIn("deploy/prometheus/rules/adaos-alerts.yaml");
const DASHBOARDS = readdirSync(join(HOME, "deploy/grafana/dashboards")).map((file) => {
  return JSON.parse(read(`deploy/grafana/dashboards/${file}`)) as {
    uid: string;
    panels: { id: number; title: string; type: string; targets?: { expr: string }[] }[];
  };
});

describe("deploy/prometheus and deploy/grafana", () => {
  test("ask for metrics that are told or recorded", () => {
    const recorded = RECORDING.flatMap(({ record }) => record ?? []);
    const told = [...Object.values(METRICS), ...Object.values(NODE_METRICS)].map(({ name }) => name);
    const known = new Set([...recorded, ...told]);
    const panels = DASHBOARDS.flatMap(({ panels }) => panels.flatMap(({ targets = [] }) => targets));
    const asked = [...RECORDING, ...ALERTING, ...panels].flatMap(({ expr }) => [
      ...expr.matchAll(/(?<![\w:])(?:[a-z]+:)?adaos_\w+(?::\w+)?/g),
    ]);
    const names = new Set(asked.map(([name]) => name.replace(/_(bucket|sum|count)$/, "")));
    expect(names.size).toBeGreaterThan(40);
    expect([...names].filter((name) => !known.has(name) && !known.has(`${name}_count`))).toEqual([]);
  });

  test("have each alert of the catalogue, and no panel twice", () => {
    expect(ALERTING.map(({ alert }) => alert)).toEqual(Object.values(ALERTS).map(({ name }) => name));
    expect(new Set(DASHBOARDS.map(({ uid }) => uid)).size).toBe(DASHBOARDS.length);
    for (const { panels } of DASHBOARDS) {
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
      expect(new Set(panels.map(({ title, type }) => `${type} ${title}`)).size).toBe(panels.length);
    }
  });
});

describe("ALERTS", () => {
  const commands = [...read("docs/reference/command-line.md").matchAll(/^## (adaos .*)$/gm)].map(
    ([, command = ""]) => command,
  );

  test.each(Object.values(ALERTS))("$name names a command to look, and says one thing", (alert) => {
    expect(commands.filter((command) => `${alert.command} `.startsWith(`${command} `))).not.toEqual([]);
    expect(alert.summary).toMatch(/^[A-Z{].*\.$/);
    expect(alert.name).toMatch(/^(Adaos|Database)[A-Za-z]+$/);
  });
});

describe("queries for Loki", () => {
  const blocks = [...read("docs/guide/monitoring.md").matchAll(/^```logql\n(.*?)^```$/gms)];
  const shown = blocks.flatMap(([, block = ""]) => block.trim().split("\n"));
  const ruled = rulesIn("deploy/loki/rules/adaos.yaml").map(({ expr }) => expr);

  /** Where the grammar finds something that it does not know. */
  function faultsIn(query: string): number[] {
    const faults: number[] = [];
    parser.parse(query).iterate({
      enter: ({ type, from }) => {
        if (type.isError) faults.push(from);
      },
    });
    return faults;
  }

  test("are LogQL", () => {
    const queries = [...shown, ...ruled];
    expect(queries.length).toBeGreaterThan(6);
    expect(queries.map((query) => [query, faultsIn(query)])).toEqual(queries.map((query) => [query, []]));
    expect(faultsIn('{app="adaos"} |= ')).not.toEqual([]);
  });

  test("find connections by label and text", () => {
    for (const text of ["Database connection established", "Database connection failed"])
      expect(shown).toContain(`{app="adaos"} |= "${text}"`);
    expect(read("deploy/loki/adaos.alloy")).toContain('"app" = "adaos"');
  });
});
