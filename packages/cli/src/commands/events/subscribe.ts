import type { Bus } from "@adaos/client";
import { MeshError, type StartAt } from "@adaos/core";
import { originTokenProblem, quote, visibleJson } from "@adaos/core/wire";
import { connectMember, EventMask } from "@adaos/operations";
import { untilAsked } from "@adaos/supervise";
import { Command, Option } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { parseCount } from "../../options/parse-count.ts";
import { quietLog, type Terminal } from "../../terminal/terminal.ts";

interface SubscribeOptions extends StateOptions {
  readonly as: string;
  readonly durable: string;
  readonly start: StartAt;
  readonly count?: number;
  readonly from?: string;
}

export function eventsSubscribeCommand(terminal: Terminal): Command {
  return new Command("subscribe")
    .description("take events as a member, one envelope a line; printed events are acknowledged")
    .argument("<pattern>", "event (ui.notify), version (ui.notify@1), prefix with its dot (ui.) or *")
    .requiredOption("--as <subnet/node>", "the member to subscribe as")
    .requiredOption(
      "--durable <name>",
      "durable that keeps the position; a separate one, not an application's",
    )
    .option("--count <n>", "stop after so many", parseCount)
    .addOption(
      new Option("--start <where>", "where a new durable begins").choices(["new", "all"]).default("new"),
    )
    .option("--from <subnet[/node]>", "only events of this origin")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nThe durable stays: the next time it continues at its position. To only print: adaos events tail.",
    )
    .addHelpText("after", "\nExample:\n  adaos events subscribe ui. --as beta/desk --durable shell --count 1")
    .action((pattern: string, options: SubscribeOptions) => subscribe(pattern, options, terminal));
}

async function subscribe(pattern: string, options: SubscribeOptions, terminal: Terminal): Promise<void> {
  const { as, state } = options;
  const from = parseOrigin(options.from);
  const mask = await EventMask.open(state, terminal.say);
  const bus = await connectMember({ as, state, component: "cli", log: quietLog(terminal) });
  const asked = untilAsked();
  try {
    await Promise.race([printed(bus, pattern, { ...options, from, mask }, terminal), asked.promise]);
  } finally {
    await bus.close();
  }
}

interface Printing extends Omit<SubscribeOptions, "from"> {
  readonly from: Origin;
  readonly mask: EventMask;
}

/** Prints events as they arrive. Resolves after the last requested event. */
function printed(
  bus: Bus,
  pattern: string,
  { as, durable, start, from, count, mask }: Printing,
  terminal: Terminal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = count ?? Number.POSITIVE_INFINITY;
    // One at a time: an event is printed and acknowledged before the next one.
    const subscribed = bus.subscribe(
      pattern,
      { durable, startAt: start, maxConcurrency: 1, from, answers: false },
      async (event) => {
        const subscription = await subscribed;
        terminal.out(visibleJson(mask.envelope(event)));
        if (--left > 0) return;
        // Deliveries after the last requested event are returned unhandled.
        subscription.stop().then(resolve, reject);
      },
    );
    subscribed.then(() => {
      if (terminal.outIsTty) terminal.say(`taking ${pattern} as ${as}, durable ${durable}; Ctrl-C stops`);
    }, reject);
  });
}

interface Origin {
  readonly subnet?: string;
  readonly node?: string;
}

/** `alpha` or `alpha/kitchen`. */
function parseOrigin(text: string | undefined): Origin {
  if (text === undefined) return {};
  const [subnet = "", node, ...rest] = text.split("/");
  const problem = originTokenProblem(subnet) ?? (node === undefined ? undefined : originTokenProblem(node));
  if (problem !== undefined || rest.length > 0) {
    throw new MeshError("usage", `--from ${quote(text)} is not a subnet or a node: alpha, alpha/kitchen`);
  }
  return node === undefined ? { subnet } : { subnet, node };
}
