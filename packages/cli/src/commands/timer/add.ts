import { createHash } from "node:crypto";
import { resolveStateDir } from "@adaos/config";
import { MeshError, parseEventRef, type TimerInfo, type TimerOptions } from "@adaos/core";
import {
  TIMER_CATCH_UPS,
  TIMER_OVERLAPS,
  TIMER_TICK,
  type TimerCatchUp,
  type TimerOverlap,
  visibleJson,
} from "@adaos/core/wire";
import { connectMember, EventMask } from "@adaos/operations";
import { loadPolicy } from "@adaos/policy";
import { meshFileIn, readLayout } from "@adaos/provision";
import { Command, Option } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { parseCount } from "../../options/parse-count.ts";
import { parseData } from "../../options/parse-data.ts";
import { parseDuration } from "../../options/parse-time.ts";
import { quietLog, type Terminal } from "../../terminal/terminal.ts";
import { timerLines } from "./print-timer.ts";

interface AddOptions extends StateOptions {
  readonly event: string;
  readonly data?: string;
  readonly as?: string;
  readonly name?: string;
  readonly every?: number;
  readonly at?: string;
  readonly in?: number;
  readonly zone?: string;
  readonly jitter?: number;
  readonly overlap?: TimerOverlap;
  readonly catchUp?: TimerCatchUp;
  readonly within?: number;
  readonly until?: string;
  readonly times?: number;
}

export function timerAddCommand(terminal: Terminal): Command {
  return new Command("add")
    .description("let a hub publish an event at certain times, also while nothing else runs")
    .argument("[cron]", "five fields (minute hour day month weekday), or six with seconds first")
    .option("--event <event>", "what it publishes: scenario.run, timer.tick@1", TIMER_TICK)
    .option("--data <json>", "the event's data: JSON, @FILE, or - (default: the timer's name and the time)")
    .option("--as <subnet/node>", "the member that publishes it (default: the only one that may)")
    .option("--name <name>", "its name within the member (default: made from the event and the times)")
    .option("--every <time>", "an interval: 30s, 15m, 2h", parseDuration)
    .option("--at <time>", "once: 2026-12-24T18:00, in the zone")
    .option("--in <time>", "once, so long from now: 30s, 10m, 2h", parseDuration)
    .option("--zone <zone>", "time zone of cron, --at and --until: Europe/Berlin (default: UTC)")
    .option("--jitter <time>", "fire up to so much later, always by the same time", parseDuration)
    .addOption(
      new Option("--overlap <how>", "a fire while the event before is unsettled").choices(TIMER_OVERLAPS),
    )
    .addOption(
      new Option("--catch-up <how>", "fires missed by more than a minute (default: once)").choices(
        TIMER_CATCH_UPS,
      ),
    )
    .option("--within <time>", "missed fires that are older are dropped (default: 1h)", parseDuration)
    .option("--until <time>", "no fire after this time: 2026-12-31T23:59")
    .option("--times <n>", "no more fires than these", parseCount)
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `\nExample:\n  adaos timer add "*/5 * * * *" --event scenario.run --data '{"name":"morning"}'`,
    )
    .action(async (cron: string | undefined, options: AddOptions) => {
      parseEventRef(options.event);
      const data = options.data === undefined ? undefined : parseData(options.data);
      const when = whenOf(cron, options);
      const as = options.as ?? (await onlyPublisher(options));
      const name = options.name ?? nameOf(options.event, when, data);
      const bus = await connectMember({
        as,
        state: options.state,
        component: "cli",
        log: quietLog(terminal),
        outbox: false,
      });
      try {
        await tell(await bus.schedule(name, when, options.event, data), options, terminal);
      } finally {
        await bus.close();
      }
    });
}

async function tell(timer: TimerInfo, options: AddOptions, terminal: Terminal): Promise<void> {
  if (options.json === true) {
    const mask = await EventMask.open(options.state, terminal.say);
    return terminal.out(visibleJson(mask.timer(timer)));
  }
  for (const line of timerLines(timer)) terminal.out(line);
}

function whenOf(cron: string | undefined, options: AddOptions): TimerOptions {
  const { every, at, in: inMs, zone, jitter, overlap, catchUp, within, until, times } = options;
  const given = {
    cron,
    everyMs: every,
    at,
    inMs,
    zone,
    jitterMs: jitter,
    overlap,
    catchUp,
    withinMs: within,
    until,
    times,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** The same command again means the same timer. */
function nameOf(event: string, when: TimerOptions, data: unknown): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([event, when, data ?? null]))
    .digest("hex");
  const stem =
    event
      .split("@")[0]
      ?.replaceAll(/[^a-z0-9]+/g, "-")
      .slice(0, 54) ?? "timer";
  return `${stem}-${digest.slice(0, 8)}`;
}

async function onlyPublisher({ state, event }: AddOptions): Promise<string> {
  const layout = readLayout(resolveStateDir(state));
  const { policy, meshFile } = await loadPolicy(meshFileIn(layout));
  const { name, version = 1 } = parseEventRef(event);
  const may = [...meshFile.mesh.subnets].flatMap(([subnet, { members }]) =>
    [...members.keys()]
      .filter((node) => policy.decide({ verb: "publish", subnet, node }, name, version).allowed)
      .map((node) => `${subnet}/${node}`),
  );
  const [only] = may;
  if (only !== undefined && may.length === 1) return only;
  const why = may.length === 0 ? "no member may publish it" : `${may.slice(0, 10).join(", ")} may publish it`;
  throw new MeshError("usage", `say whose timer it is with --as: ${why}`);
}
