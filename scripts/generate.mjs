// Writes the files that are generated from others: node scripts/generate.mjs [--check]
// With --check it writes nothing, names the stale ones and exits with 1. Needs "npm run build" before.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { program } from "@adaos/cli/command-line";
import { meshFileJsonSchema, nodeFileJsonSchema, readMeshFile } from "@adaos/config";
import { ALERT_RULES, ALERTS, METRICS, NODE_METRICS } from "@adaos/core/wire";
import { exampleRootConfig } from "@adaos/nats-server";
import { loadRegistry } from "@adaos/registry";
import { generateIndex, generateTypes } from "@adaos/registry-tools";
import { buildEventDocs } from "@adaos/registry-tools/docs";
import { dashboards } from "./monitoring/dashboards.mjs";
import {
  alertingRulesFile,
  alertmanagerConfig,
  prometheusConfig,
  recordingRulesFile,
} from "./monitoring/prometheus.mjs";
import { alertsPage, commandLinePage, meshFilePage, metricsPage } from "./reference-pages.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const registry = await loadRegistry(join(root, "schemas/events"));
const begun = await loadRegistry(join(root, "packages/cli/template/schemas/events"));
const { mesh } = readMeshFile(join(root, "deploy/mesh.yaml"));

/** Help is read from the commands and not printed. */
const silent = { out: () => {}, say: () => {}, colors: {} };

/** Paths are relative to the repository; the same input must make the same text. */
const targets = [
  { path: "schemas/events/_dist/registry.json", make: () => generateIndex(registry) },
  { path: "schemas/events/_dist/events.d.ts", make: () => generateTypes(registry) },
  { path: "packages/cli/template/schemas/events/_dist/registry.json", make: () => generateIndex(begun) },
  { path: "packages/cli/template/schemas/events/_dist/events.d.ts", make: () => generateTypes(begun) },
  { path: "schemas/config/mesh.json", make: meshFileJsonSchema },
  { path: "schemas/config/node.json", make: nodeFileJsonSchema },
  { path: "docs/reference/mesh-yaml.md", make: () => meshFilePage(meshFileJsonSchema()) },
  { path: "docs/reference/command-line.md", make: async () => commandLinePage(await program("all", silent)) },
  { path: "docs/reference/metrics.md", make: () => metricsPage(METRICS, NODE_METRICS) },
  { path: "docs/reference/alerts.md", make: () => alertsPage(ALERTS, ALERT_RULES, NODE_METRICS) },
  { path: "deploy/prometheus/prometheus.yaml", make: prometheusConfig },
  { path: "deploy/prometheus/rules/adaos-recording.yaml", make: recordingRulesFile },
  { path: "deploy/prometheus/rules/adaos-alerts.yaml", make: () => alertingRulesFile(ALERTS) },
  { path: "deploy/alertmanager/alertmanager.yaml", make: alertmanagerConfig },
  ...Object.entries(dashboards()).map(([name, text]) => ({
    path: `deploy/grafana/dashboards/adaos-${name}.json`,
    make: () => text,
  })),
  { path: "nats.conf", make: () => exampleRootConfig(mesh.subnets.keys(), mesh.durability) },
];

const check = process.argv.includes("--check");
const stale = [];
for (const { path, make } of targets) {
  const file = join(root, path);
  const text = await make();
  if ((await readFile(file, "utf8").catch(() => undefined)) === text) continue;
  stale.push(path);
  if (check) continue;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

const documents = await buildEventDocs({
  registry: join(root, "schemas/events"),
  config: join(root, "deploy/mesh.yaml"),
  output: join(root, "docs/events"),
  site: join(root, "docs/events/site"),
  check,
});
stale.push(...[...documents.stale, ...documents.orphans].map((file) => relative(root, file)));

if (check && stale.length > 0) {
  console.error(`stale, run "npm run build && npm run generate": ${stale.join(", ")}`);
  process.exitCode = 1;
} else {
  console.log(stale.length === 0 ? "generated files are fresh" : `wrote ${stale.join(", ")}`);
}
