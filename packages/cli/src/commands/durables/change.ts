import { resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import {
  type DurableName,
  type DurableStart,
  deleteDurable,
  findIdleDurable,
  hubServers,
  type OpenServer,
  parseDurableName,
  resetDurable,
  withServers,
} from "@adaos/operations";
import { readLayout } from "@adaos/provision";
import { Command, Option } from "commander";
import { audited } from "../../options/audited.ts";
import { type ChangeOptions, confirmed, tellCounts } from "../../options/change-options.ts";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { parseCount } from "../../options/parse-count.ts";
import { parseTime } from "../../options/parse-time.ts";
import type { Terminal } from "../../terminal/terminal.ts";

interface DurableOptions extends StateOptions, ChangeOptions {
  readonly json?: boolean;
  readonly force?: boolean;
}

interface ResetOptions extends DurableOptions {
  readonly start?: "new" | "all";
  readonly fromSeq?: number;
  /** Milliseconds since the epoch. */
  readonly since?: number;
}

type Change = (hub: OpenServer, name: DurableName) => Promise<void>;

export function durablesDeleteCommand(terminal: Terminal): Command {
  return withChange(new Command("delete"))
    .description("delete durables: their pending events are no longer delivered to them")
    .addHelpText("after", "\nA program that subscribes with the same name makes a new one.")
    .addHelpText("after", "\nExample:\n  adaos durables delete beta/desk/shell --dry-run")
    .action((names: readonly string[], options: DurableOptions) =>
      change("delete", "deleted", names, deleteDurable, options, terminal),
    );
}

export function durablesResetCommand(terminal: Terminal): Command {
  return withChange(new Command("reset"))
    .description("let durables go on from another place in their stream")
    .addOption(
      new Option("--start <where>", "skip all that is stored, or begin with it").choices(["new", "all"]),
    )
    .option("--from-seq <n>", "from this place in the stream", parseCount)
    .option(
      "--since <time>",
      "from events stored 30s, 10m, 2h, 7d ago, or at 2026-01-05T09:30:00Z",
      parseTime,
    )
    .addHelpText(
      "after",
      "\nAn effect that has happened does not happen again; adaos events replay repeats it.",
    )
    .addHelpText("after", "\nExample:\n  adaos durables reset beta/desk/screen --start new --dry-run")
    .action((names: readonly string[], options: ResetOptions) => {
      const start = startOf(options);
      const reset: Change = (hub, name) => resetDurable(hub, name, start);
      return change("reset", "reset", names, reset, options, terminal);
    });
}

function withChange(command: Command): Command {
  return command
    .argument("<subnet/node/durable...>", "which; adaos durables list names them")
    .option("--force", "even with a connected program")
    .option("--dry-run", "only show the plan")
    .option("--yes", "do not ask")
    .addOption(stateOption())
    .addOption(jsonOption());
}

/** Throws `usage` unless exactly one place is named. Pure. */
function startOf({ start, fromSeq, since }: ResetOptions): DurableStart {
  const starts: DurableStart[] = [];
  if (start !== undefined) starts.push({ kind: start });
  if (fromSeq !== undefined) starts.push({ kind: "seq", seq: fromSeq });
  if (since !== undefined) starts.push({ kind: "time", ms: since });
  const [only] = starts;
  if (starts.length === 1 && only !== undefined) return only;
  throw new MeshError(
    "usage",
    "name one place to continue from: --start new, --start all, --from-seq or --since",
  );
}

async function change(
  verb: string,
  done: string,
  texts: readonly string[],
  make: Change,
  options: DurableOptions,
  terminal: Terminal,
): Promise<void> {
  const names = texts.map(parseDurableName);
  const layout = readLayout(resolveStateDir(options.state));
  const servers = [...new Set(names.map(({ subnet }) => subnet))].flatMap((of) => hubServers(layout, of));
  const eachOf = async (use: (hub: OpenServer, name: DurableName) => Promise<void>): Promise<void> => {
    await withServers(servers, async (hub) => {
      for (const name of names) if (name.subnet === hub.of) await use(hub, name);
    });
  };
  let pending = 0;
  let unsettled = 0;
  // All of them are looked at before any is changed.
  await eachOf(async (hub, name) => {
    const row = await findIdleDurable(hub, name, options.force === true);
    pending += row.pending;
    unsettled += row.unsettled;
  });
  const found = { count: names.length, pending, unsettled };
  if (!(await confirmed(verb, "durable", found, options, terminal))) return;
  const subnets = servers.map(({ of }) => of);
  const act = { action: `durables.${verb}`, what: texts.join(", "), subnets };
  await audited(options, terminal, act, async (tally) => {
    let changed = 0;
    await eachOf(async (hub, name) => {
      await make(hub, name);
      tally(++changed);
    });
  });
  tellCounts({ [done]: names.length }, options, terminal);
}
