import { resolveStateDir } from "@adaos/config";
import { counted, firstLine, messageOf, visibleJson } from "@adaos/core/wire";
import {
  type CountedFailures,
  type DurableState,
  durables,
  FailureCounts,
  failedLetters,
  hubServers,
  type OpenServer,
  parkedWaits,
  processingRecords,
  withServers,
} from "@adaos/operations";
import { readLayout } from "@adaos/provision";
import { Command } from "commander";
import type { StateOptions } from "../../options/options.ts";
import { EXIT_CODES } from "../../terminal/exit-codes.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";
import { withSubnet } from "./failures/failure-options.ts";

interface EventsStatus extends CountedFailures {
  readonly generated_at: string;
  readonly mesh: string;
  readonly durables: readonly DurableState[];
  /** Subnets that do not answer; their events are not counted. */
  readonly unreachable: readonly { readonly subnet: string; readonly reason: string }[];
}

export function eventsStatusCommand(terminal: Terminal): Command {
  return withSubnet(new Command("status"))
    .description("failures and backlogs at a glance; exit code 69 when a subnet does not answer")
    .addHelpText("after", "\nExample:\n  adaos events status --at beta")
    .action(async (options: StateOptions & { readonly at?: string }) => {
      const status = await look(options);
      if (options.json === true) terminal.out(visibleJson(status));
      else print(status, terminal);
      if (status.unreachable.length > 0) process.exitCode = EXIT_CODES.unavailable;
    });
}

async function look({ state, at }: StateOptions & { readonly at?: string }): Promise<EventsStatus> {
  const layout = readLayout(resolveStateDir(state));
  const counts = new FailureCounts();
  const found: DurableState[] = [];
  const unreachable: { subnet: string; reason: string }[] = [];
  for (const server of hubServers(layout, at)) {
    try {
      await withServers([server], async (hub) => {
        await count(hub, counts);
        for await (const durable of durables(hub)) found.push(durable);
      });
    } catch (thrown) {
      // A subnet that is away must not hide the others.
      unreachable.push({ subnet: server.of, reason: messageOf(thrown) });
    }
  }
  const generated_at = new Date().toISOString();
  return { generated_at, mesh: layout.mesh, ...counts.counted(), durables: found, unreachable };
}

async function count(hub: OpenServer, counts: FailureCounts): Promise<void> {
  for await (const record of processingRecords(hub)) counts.addRecord(record);
  for await (const { entry } of failedLetters(hub)) counts.addDeadLetter(entry);
  for await (const { place } of parkedWaits(hub)) counts.addParked(`${hub.of} ${place}`);
}

function print(status: EventsStatus, terminal: Terminal): void {
  const { records, dead_letters: letters, retry_candidates: candidates } = status;
  const newest = status.newest_failure;
  const lines = [
    [
      "processing records",
      `${records.retrying} retrying, ${records.success} success after retry, ${records.failed} failed, ${records.dead_letter} dead letter`,
    ],
    [
      "dead letters",
      `${letters.transient} transient, ${letters.permanent} permanent, ${letters.unknown} unknown`,
    ],
    [
      "parked",
      `${counted(status.parked_events, "event")} without a schema, ${counted(status.parked, "wait")} of durables for one`,
    ],
    ["retry candidates", `${candidates.transient} transient, ${candidates.unknown} of unknown cause`],
    [
      "newest failure",
      newest === null
        ? "none"
        : `${newest.timestamp} ${newest.node} ${newest.durable} ${newest.event_type} ${newest.event_id}: ${firstLine(newest.message, 60)}`,
    ],
  ];
  for (const line of table(lines)) terminal.out(line);
  terminal.out("");
  const rows = status.durables.map(({ subnet, node, durable, pending, unsettled, redelivered, paused }) => [
    subnet,
    node,
    durable,
    String(pending),
    String(unsettled),
    String(redelivered),
    paused ? "paused" : "",
  ]);
  const head = ["subnet", "node", "durable", "pending", "unsettled", "redelivered", ""];
  for (const line of table([head, ...rows])) terminal.out(line);
  for (const { reason } of status.unreachable) terminal.say(`left out ${reason}`);
}
