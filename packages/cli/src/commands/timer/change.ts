import { resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { newReplayId, parseTimeIn, visibleJson } from "@adaos/core/wire";
import {
  askTimers,
  eachTimer,
  type OpenServer,
  parseTimerName,
  type TimerName,
  timerAct,
} from "@adaos/operations";
import { readLayout } from "@adaos/provision";
import { Command } from "commander";
import { audited } from "../../options/audited.ts";
import { type ChangeOptions, confirmed, tellCounts } from "../../options/change-options.ts";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import type { Terminal } from "../../terminal/terminal.ts";

type TimerOptions = StateOptions & ChangeOptions;

interface BackfillOptions extends TimerOptions {
  readonly from: string;
  readonly to: string;
  readonly id?: string;
}

type Act = (hub: OpenServer, name: TimerName) => Promise<void>;

export function timerPauseCommand(terminal: Terminal): Command {
  return withTimers(new Command("pause"))
    .description("let timers fire no more until they are resumed")
    .addHelpText("after", "\nExample:\n  adaos timer pause alpha/kitchen/morning")
    .action((names: readonly string[], options: TimerOptions) =>
      changeAll("pause", "paused", names, options, terminal),
    );
}

export function timerResumeCommand(terminal: Terminal): Command {
  return withTimers(new Command("resume"))
    .description("let paused timers fire again; what they would have fired meanwhile is skipped")
    .addHelpText("after", "\nExample:\n  adaos timer resume alpha/kitchen/morning")
    .action((names: readonly string[], options: TimerOptions) =>
      changeAll("resume", "resumed", names, options, terminal),
    );
}

export function timerRemoveCommand(terminal: Terminal): Command {
  return withTimers(new Command("remove"))
    .description("remove timers; those of the mesh file are removed there")
    .option("--dry-run", "only show the plan")
    .option("--yes", "do not ask")
    .addHelpText("after", "\nExample:\n  adaos timer remove alpha/kitchen/morning --yes")
    .action(async (names: readonly string[], options: TimerOptions) => {
      await eachOf(names, options, async (hub, { node, timer }) => {
        await askTimers(hub, node, { op: "show", name: timer });
      });
      if (await confirmed("remove", "timer", { count: names.length }, options, terminal))
        await changeAll("remove", "removed", names, options, terminal);
    });
}

export function timerTriggerCommand(terminal: Terminal): Command {
  return withTimers(new Command("trigger"))
    .description("fire timers now, whatever their schedules say")
    .addHelpText("after", "\nExample:\n  adaos timer trigger alpha/kitchen/morning")
    .action(async (names: readonly string[], options: TimerOptions) => {
      await recorded("trigger", names, options, terminal, async (hub, { node, timer }) => {
        const { event_id = "" } = await askTimers(hub, node, { op: "trigger", name: timer });
        terminal.out(
          options.json === true ? visibleJson({ timer: `${hub.of}/${node}/${timer}`, event_id }) : event_id,
        );
      });
    });
}

export function timerBackfillCommand(terminal: Terminal): Command {
  return new Command("backfill")
    .description("fire a timer for times that are past, at most 1000 of them")
    .argument("<subnet/node/timer>", "which; adaos timer list names them")
    .requiredOption("--from <time>", "first time: 2026-12-01T00:00, UTC unless it says its offset")
    .requiredOption("--to <time>", "last time")
    .option("--id <id>", "names the backfill; the same again publishes nothing twice (default: a new one)")
    .option("--dry-run", "only show the plan")
    .option("--yes", "do not ask")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExample:\n  adaos timer backfill alpha/kitchen/morning --from 2026-12-01T00:00 --to 2026-12-02T00:00 --dry-run",
    )
    .action(async (text: string, options: BackfillOptions) => {
      const fromMs = parseTimeIn("--from", options.from, "UTC");
      const toMs = parseTimeIn("--to", options.to, "UTC");
      if (toMs < fromMs) throw new MeshError("usage", "--to is before --from");
      const id = options.id ?? newReplayId(Date.now());
      let count = 0;
      const ask = (isDry: boolean) =>
        eachOf([text], options, async (hub, { node, timer }) => {
          const request = { op: "backfill", name: timer, fromMs, toMs, id, dryRun: isDry } as const;
          count = (await askTimers(hub, node, request)).times?.length ?? 0;
        });
      await ask(true);
      if (!(await confirmed("publish", "event", { count }, options, terminal))) return;
      const act = timerAct("backfill", `${text} ${options.from} to ${options.to}`, [parseTimerName(text)]);
      await audited(options, terminal, act, async (tally) => {
        await ask(false);
        tally(count);
      });
      tellCounts({ published: count }, options, terminal);
    });
}

function withTimers(command: Command): Command {
  return command
    .argument("<subnet/node/timer...>", "which; adaos timer list names them")
    .addOption(stateOption())
    .addOption(jsonOption());
}

async function changeAll(
  op: "pause" | "resume" | "remove",
  done: string,
  names: readonly string[],
  options: TimerOptions,
  terminal: Terminal,
): Promise<void> {
  await recorded(op, names, options, terminal, async (hub, { node, timer }) => {
    await askTimers(hub, node, { op, name: timer });
  });
  tellCounts({ [done]: names.length }, options, terminal);
}

async function recorded(
  action: string,
  names: readonly string[],
  options: TimerOptions,
  terminal: Terminal,
  act: Act,
): Promise<void> {
  const what = timerAct(action, names.join(", "), names.map(parseTimerName));
  await audited(options, terminal, what, async (tally) => {
    let count = 0;
    await eachOf(names, options, async (hub, name) => {
      await act(hub, name);
      tally(++count);
    });
  });
}

function eachOf(names: readonly string[], { state }: StateOptions, act: Act): Promise<void> {
  return eachTimer(readLayout(resolveStateDir(state)), names.map(parseTimerName), act);
}
