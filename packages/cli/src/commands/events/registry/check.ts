import { resolveStateDir } from "@adaos/config";
import { visibleJson } from "@adaos/core/wire";
import { PastFailures, publishedPast } from "@adaos/operations";
import { readLayout } from "@adaos/provision";
import { loadRegistry } from "@adaos/registry";
import { Command } from "commander";
import type { StateOptions } from "../../../options/options.ts";
import { parseDuration } from "../../../options/parse-time.ts";
import { EXIT_CODES } from "../../../terminal/exit-codes.ts";
import { progress } from "../../../terminal/progress.ts";
import { type Terminal, table } from "../../../terminal/terminal.ts";
import { withHubs, withSubnet } from "../failures/failure-options.ts";

interface CheckOptions extends StateOptions {
  readonly at?: string;
  readonly againstStream: number;
  readonly registry?: string;
}

export function eventsRegistryCheckCommand(terminal: Terminal): Command {
  return withSubnet(new Command("check"))
    .description("how many events of the mesh's streams a registry would refuse at their receivers")
    .requiredOption("--against-stream <time>", "events of the last 24h, 7d", parseDuration)
    .option("--registry <dir>", "the registry's folder, perhaps a future version (default: the mesh's)")
    .addHelpText("after", "\nThe exit code is 65 when it would refuse any.")
    .addHelpText(
      "after",
      "\nExample:\n  adaos events registry check --registry schemas/events --against-stream 7d",
    )
    .action(async (options: CheckOptions) => {
      const failures = await check(options, terminal);
      print(failures, options.json === true, terminal);
      if (failures.failed > 0) process.exitCode = EXIT_CODES["invalid-event"];
    });
}

async function check(options: CheckOptions, terminal: Terminal): Promise<PastFailures> {
  const layout = readLayout(resolveStateDir(options.state));
  const failures = new PastFailures(await loadRegistry(options.registry ?? layout.registryDir));
  const since = new Date(Date.now() - options.againstStream);
  const ticker = progress(terminal, () => `${failures.checked} checked, ${failures.failed} refused so far`);
  try {
    await withHubs(options, terminal, async (hub) => {
      for await (const stored of publishedPast(hub, since)) failures.add(hub.of, stored);
    });
  } finally {
    ticker.end();
  }
  return failures;
}

function print({ checked, failed, kinds }: PastFailures, json: boolean, terminal: Terminal): void {
  if (json) return terminal.out(visibleJson({ checked, failed, failures: kinds }));
  if (kinds.length > 0) {
    const rows = kinds.map(({ subnet, event, code, problem, count, first_seq }) => [
      subnet,
      event,
      code,
      String(count),
      `from ${first_seq}`,
      problem,
    ]);
    for (const line of table(rows)) terminal.out(line);
  }
  terminal.say(`${checked} checked, ${failed} would be refused`);
}
