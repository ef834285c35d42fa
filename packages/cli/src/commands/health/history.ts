import { visibleJson } from "@adaos/core/wire";
import { Newest, type ProbeEvent, probeEvents } from "@adaos/operations";
import { Command } from "commander";
import type { StateOptions } from "../../options/options.ts";
import { parseTime } from "../../options/parse-time.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";
import { withHubs, withLimit, withSubnet } from "../events/failures/failure-options.ts";

interface HistoryOptions extends StateOptions {
  readonly at?: string;
  readonly node?: string;
  readonly probe?: string;
  readonly since?: number;
  readonly limit: number;
}

const DAY_MS = 86_400_000;

export function healthHistoryCommand(terminal: Terminal): Command {
  return withLimit(withSubnet(new Command("history")))
    .description("every change of probes: connections made and lost, and their health; newest last")
    .option("--node <subnet/node>", "of one member (default: all)")
    .option("--probe <name>", "of one probe (default: all)")
    .option("--since <time>", "from then on (default: 24h)", parseTime)
    .addHelpText("after", "\nThe command reads the events infra.database.* in the streams of the hubs.")
    .addHelpText("after", "\nExample:\n  adaos health history --probe orders-db --since 7d")
    .action((options: HistoryOptions) => history(options, terminal));
}

async function history(options: HistoryOptions, terminal: Terminal): Promise<void> {
  const since = new Date(options.since ?? Date.now() - DAY_MS);
  const newest = new Newest<ProbeEvent>(options.limit, ({ at }) => at);
  await withHubs(options, terminal, async (hub) => {
    for await (const event of probeEvents(hub, since)) {
      if (options.node !== undefined && event.node !== options.node) continue;
      if (options.probe !== undefined && event.probe !== options.probe) continue;
      newest.add(event);
    }
  });
  const events = newest.items();
  if (options.json === true) for (const event of events) terminal.out(visibleJson(event));
  else for (const line of table(events.map(rowOf))) terminal.out(line);
  if (newest.seen === 0) terminal.say("nothing has changed, or no member publishes infra.database.* events");
  if (newest.seen > events.length)
    terminal.say(`${newest.seen - events.length} older ones are left out; --limit shows more`);
}

function rowOf(event: ProbeEvent): string[] {
  const { at, node, probe, database_type, environment, change, latency_ms, retry_count, error_message } =
    event;
  const what = {
    established: "connection established",
    failed: `connection failed${retry_count === null || retry_count === 0 ? "" : ` (retry ${retry_count})`}`,
    healthy: "healthy",
    degraded: "degraded",
    unhealthy: "unhealthy",
  }[change];
  const detail = error_message ?? (latency_ms === null ? "" : `${latency_ms.toFixed(1)} ms`);
  return [at, node, probe ?? "", database_type ?? "", environment ?? "", what, detail];
}
