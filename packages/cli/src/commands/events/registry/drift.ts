import { resolveStateDir } from "@adaos/config";
import { counted, visibleJson } from "@adaos/core/wire";
import {
  type Drift,
  driftOf,
  hubServers,
  readSeen,
  type SeenDurable,
  SeenProducers,
} from "@adaos/operations";
import { readLayout } from "@adaos/provision";
import { loadRegistry } from "@adaos/registry";
import { Command } from "commander";
import type { StateOptions } from "../../../options/options.ts";
import { parseDuration } from "../../../options/parse-time.ts";
import { EXIT_CODES } from "../../../terminal/exit-codes.ts";
import { progress } from "../../../terminal/progress.ts";
import { type Terminal, table } from "../../../terminal/terminal.ts";
import { withSubnet, withThoseThatAnswer } from "../failures/failure-options.ts";

interface DriftOptions extends StateOptions {
  readonly at?: string;
  readonly since: number;
  readonly registry?: string;
}

const WEEK_MS = 7 * 86_400_000;

export function eventsRegistryDriftCommand(terminal: Terminal): Command {
  return withSubnet(new Command("drift"))
    .description("declared producers and consumers that were never seen, and undeclared ones that were seen")
    .option("--since <time>", "of the last 24h, 7d", parseDuration, WEEK_MS)
    .option("--registry <dir>", "the registry's folder (default: the mesh's)")
    .addHelpText("after", "\nThe exit code is 78 when there is any.")
    .addHelpText("after", "\nExample:\n  adaos events registry drift --since 24h")
    .action(async (options: DriftOptions) => {
      const drifts = await look(options, terminal);
      print(drifts, options.json === true, terminal);
      if (drifts.length > 0) process.exitCode = EXIT_CODES["invalid-config"];
    });
}

async function look(options: DriftOptions, terminal: Terminal): Promise<Drift[]> {
  const layout = readLayout(resolveStateDir(options.state));
  const registry = await loadRegistry(options.registry ?? layout.registryDir);
  const seen = { producers: new SeenProducers(), durables: [] as SeenDurable[] };
  let read = 0;
  const how = {
    since: new Date(Date.now() - options.since),
    onRead: () => void read++,
    say: terminal.say,
  };
  const ticker = progress(terminal, () => `${counted(read, "event")} read so far`);
  try {
    await withThoseThatAnswer(hubServers(layout, options.at), terminal, async (hub) => {
      await readSeen(hub, seen, how);
    });
  } finally {
    ticker.end();
  }
  return driftOf(registry.records, seen.producers, seen.durables);
}

function print(drifts: readonly Drift[], json: boolean, terminal: Terminal): void {
  if (json) {
    for (const drift of drifts) terminal.out(visibleJson(drift));
    return;
  }
  const rows = drifts.map(({ drift, role, event, component, nodes }) => [
    drift.replaceAll("-", " "),
    role,
    event,
    component,
    nodes.join(" "),
  ]);
  for (const line of table(rows)) terminal.out(line);
  terminal.say(drifts.length === 0 ? "no drift" : counted(drifts.length, "difference"));
}
