import { resolveStateDir } from "@adaos/config";
import type { TimerInfo } from "@adaos/core";
import { counted, parseNodeAddress, visibleJson } from "@adaos/core/wire";
import {
  askTimers,
  EventMask,
  hubServers,
  type OpenServer,
  parseTimerName,
  timerMembers,
  timersOf,
  whenText,
  withServers,
} from "@adaos/operations";
import { readLayout } from "@adaos/provision";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { parseCount } from "../../options/parse-count.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";
import { withHubs, withSubnet } from "../events/failures/failure-options.ts";
import { nameText, timerLines } from "./print-timer.ts";

interface ListOptions extends StateOptions {
  readonly at?: string;
  readonly node?: string;
}

export function timerListCommand(terminal: Terminal): Command {
  return withSubnet(new Command("list"))
    .option("--node <subnet/node>", "of one member (default: all)")
    .description("the timers of a mesh: what they publish, when next, how often they have")
    .addHelpText("after", "\nExample:\n  adaos timer list --at alpha")
    .action(async (options: ListOptions) => {
      if (options.node !== undefined) parseNodeAddress(options.node);
      const layout = readLayout(resolveStateDir(options.state));
      const timers: TimerInfo[] = [];
      await withHubs(options, terminal, async (hub) => {
        const members = timerMembers(layout, hub.of, options.node);
        for await (const timer of timersOf(hub, members)) timers.push(timer);
      });
      if (options.json === true) {
        const mask = await EventMask.open(options.state, terminal.say);
        for (const timer of timers) terminal.out(visibleJson(mask.timer(timer)));
        return;
      }
      const head = ["timer", "event", "fires", "next", "fired", "skipped"];
      for (const line of table(timers.length === 0 ? [] : [head, ...timers.map(cells)])) terminal.out(line);
      terminal.say(counted(timers.length, "timer"));
    });
}

export function timerShowCommand(terminal: Terminal): Command {
  return new Command("show")
    .description("one timer: times, counts of fired, late and skipped, the last event")
    .argument("<subnet/node/timer>", "which; adaos timer list names them")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos timer show alpha/kitchen/morning")
    .action(async (text: string, options: StateOptions) => {
      const { timer } = await askOne(text, options, (name) => ({ op: "show", name }));
      if (timer === undefined) return;
      if (options.json === true) {
        const mask = await EventMask.open(options.state, terminal.say);
        return terminal.out(visibleJson(mask.timer(timer)));
      }
      for (const line of timerLines(timer)) terminal.out(line);
    });
}

export function timerNextCommand(terminal: Terminal): Command {
  return new Command("next")
    .description("the coming times of a timer, without its jitter, one a line")
    .argument("<subnet/node/timer>", "which; adaos timer list names them")
    .argument("[n]", "how many", parseCount, 5)
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos timer next alpha/kitchen/morning 10")
    .action(async (text: string, count: number, options: StateOptions) => {
      const { times = [] } = await askOne(text, options, (name) => ({
        op: "next",
        name,
        count: Math.min(count, 1000),
      }));
      for (const scheduled_at of times)
        terminal.out(options.json === true ? visibleJson({ scheduled_at }) : scheduled_at);
    });
}

async function askOne(
  text: string,
  { state }: StateOptions,
  requestOf: (name: string) => Parameters<typeof askTimers>[2],
): Promise<Awaited<ReturnType<typeof askTimers>>> {
  const { subnet, node, timer } = parseTimerName(text);
  const servers = hubServers(readLayout(resolveStateDir(state)), subnet);
  let reply: Awaited<ReturnType<typeof askTimers>> = {};
  await withServers(servers, async (hub: OpenServer) => {
    reply = await askTimers(hub, node, requestOf(timer));
  });
  return reply;
}

function cells(timer: TimerInfo): string[] {
  const skipped = Object.values(timer.skipped).reduce((sum: number, count: number) => sum + count, 0);
  const next = timer.next?.slice(0, 19).concat("Z") ?? timer.state;
  return [nameText(timer), timer.event, whenText(timer), next, String(timer.fired), String(skipped)];
}
