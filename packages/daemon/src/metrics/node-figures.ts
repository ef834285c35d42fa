import { type Figure, figureFamilies } from "@adaos/core/wire";
import { configErrors, type NodeStatus } from "../status-server.ts";
import { certificateFigures } from "./certificates.ts";
import { processFamilies } from "./process-metrics.ts";
import type { MetricSource } from "./scrape.ts";

/** The figures that every node has: its health, as in its status. Pure. */
export function statusFigures({ node, role, ready, parts }: NodeStatus): readonly Figure[] {
  return [
    { metric: "nodeInfo", labels: [node, role], value: 1 },
    { metric: "nodeReady", value: ready ? 1 : 0 },
    { metric: "configErrors", value: configErrors(parts).length },
    ...Object.entries(parts).map(([part, health]): Figure => {
      return { metric: "partReady", labels: [part], value: health.ready ? 1 : 0 };
    }),
  ];
}

/** Sources of every node: its process, and the end dates of these certificates. */
export function ownSources(certificates: readonly string[] = []): readonly MetricSource[] {
  const ofFiles: MetricSource = {
    name: "certificates",
    read: async () => figureFamilies(await certificateFigures(certificates)),
  };
  return [{ name: "process", read: processFamilies }, ...(certificates.length === 0 ? [] : [ofFiles])];
}
