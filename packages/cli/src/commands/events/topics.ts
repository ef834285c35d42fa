import { resolveStateDir } from "@adaos/config";
import { visibleJson } from "@adaos/core/wire";
import { hubServers, type SubjectCount, subjectCounts, type Topic, topicsOf } from "@adaos/operations";
import { readLayout, serverOf } from "@adaos/provision";
import { loadRegistry } from "@adaos/registry";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";
import { withThoseThatAnswer } from "./failures/failure-options.ts";

interface TopicsOptions extends StateOptions {
  readonly at?: string;
}

export function eventsTopicsCommand(terminal: Terminal): Command {
  return new Command("topics")
    .description("one line per event type: number stored, publishers, and status in the registry")
    .option(
      "--at <subnet|root>",
      "events of one stream (default: for every subnet, the events published there)",
    )
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos events topics --at root")
    .action(async (options: TopicsOptions) => {
      const topics = await look(options, terminal);
      if (options.json === true) {
        for (const topic of topics) terminal.out(visibleJson(topic));
        return;
      }
      const head = ["event", "count", "last seen", "kind", "status", "origins"];
      for (const line of table([head, ...topics.map(rowOf)])) terminal.out(line);
    });
}

async function look({ state, at }: TopicsOptions, terminal: Terminal): Promise<Topic[]> {
  const layout = readLayout(resolveStateDir(state));
  const registry = await loadRegistry(layout.registryDir);
  const servers = at === undefined ? hubServers(layout, undefined) : [serverOf(layout, at)];
  const streams = new Map(layout.servers.map(({ of, stream }) => [of, stream]));
  const subjects: SubjectCount[] = [];
  await withThoseThatAnswer(servers, terminal, async (server) => {
    // An imported event is in several streams: over all subnets it counts where it was published.
    const origin = at === undefined ? server.of : "*";
    subjects.push(...(await subjectCounts(server, streams.get(server.of) ?? "", origin)));
  });
  return topicsOf(subjects, registry.records);
}

function rowOf({ event, count, last_seen, kind, status, origins }: Topic): string[] {
  const known = kind === null ? ["", "not in registry"] : [kind, status ?? ""];
  return [event, String(count), last_seen ?? "never", ...known, origins.join(" ")];
}
