import { resolveStateDir } from "@adaos/config";
import { parseSubject, patternToFilter, visibleJson } from "@adaos/core/wire";
import {
  EventMask,
  type FollowFrom,
  type FollowReports,
  followStream,
  openStored,
  undeclaredNote,
  withServers,
} from "@adaos/operations";
import { readLayout, serverOf } from "@adaos/provision";
import { untilAsked } from "@adaos/supervise";
import type { StoredMessage } from "@adaos/transport-nats";
import { Command, Option } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { parseCount } from "../../options/parse-count.ts";
import { parsePattern } from "../../options/parse-pattern.ts";
import { parseDuration } from "../../options/parse-time.ts";
import { EXIT_CODES } from "../../terminal/exit-codes.ts";
import type { Terminal } from "../../terminal/terminal.ts";

interface EventsTailOptions extends StateOptions {
  readonly at: string;
  readonly count?: number;
  /** Milliseconds back from now. */
  readonly since?: number;
  readonly last?: boolean;
}

export function eventsTailCommand(terminal: Terminal): Command {
  return new Command("tail")
    .description("print events as they are stored, one envelope a line")
    .argument("<pattern>", "event (ui.notify), version (ui.notify@1), prefix with its dot (ui.) or *")
    .requiredOption(
      "--at <subnet|root>",
      "the stream to read: a subnet's, or the root's with all federated events",
    )
    .option("--count <n>", "stop after so many", parseCount)
    .option("--since <time>", "begin in the past: 30s, 10m, 2h, 7d", parseDuration)
    .addOption(new Option("--last", "begin with the newest that is stored").conflicts("since"))
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nOn a terminal a line is shortened for reading; --json prints the envelope there too.",
    )
    .addHelpText("after", "\nExample:\n  adaos events tail ui. --at beta --last --count 1 --json")
    .action((pattern: string, options: EventsTailOptions) => tail(pattern, options, terminal));
}

async function tail(text: string, options: EventsTailOptions, terminal: Terminal): Promise<void> {
  const pattern = parsePattern(text);
  const server = serverOf(readLayout(resolveStateDir(options.state)), options.at);
  const mask = await EventMask.open(options.state, terminal.say);
  const note = undeclaredNote(pattern, mask.names);
  if (note !== undefined) terminal.say(note);
  await withServers([server], async (open) => {
    const ended = new AbortController();
    void untilAsked().promise.then(() => ended.abort());
    let isAway = false;
    let left = options.count ?? Number.POSITIVE_INFINITY;
    const follower: FollowReports = {
      onStart: () => {
        if (terminal.outIsTty) terminal.say(`watching ${pattern.text} at ${options.at}; Ctrl-C stops`);
      },
      onMessages: (messages) => {
        for (const message of messages.slice(0, left)) print(message, mask, options.json === true, terminal);
        left -= messages.length;
        if (left <= 0) ended.abort();
      },
      onAway: () => {
        isAway = true;
        terminal.say(`${options.at} does not answer any more; waiting for it`);
      },
      onBack: () => {
        isAway = false;
        terminal.say(`${options.at} answers again`);
      },
    };
    const what = { filter: patternToFilter(pattern), from: startOf(options) };
    await followStream(open, what, follower, ended.signal);
    if (isAway) process.exitCode = EXIT_CODES.unavailable;
  });
}

/** Where following begins. Pure, but for the clock. */
function startOf({ since, last }: EventsTailOptions): FollowFrom {
  if (last === true) return { kind: "last" };
  return since === undefined ? { kind: "now" } : { kind: "time", ms: Date.now() - since };
}

function print(message: StoredMessage, mask: EventMask, json: boolean, terminal: Terminal): void {
  const opened = openStored(message, mask);
  if (opened.kind === "malformed")
    return terminal.say(`${message.subject} at ${message.seq} is not an event: ${opened.reason}`);
  const { envelope } = opened;
  if (json || !terminal.outIsTty) return terminal.out(visibleJson(envelope));
  const { subnet, node } = parseSubject(message.subject);
  const { dim, cyan } = terminal.colors;
  const name = `${envelope.event_name}@${envelope.version}`;
  terminal.out(`${dim(envelope.ts)} ${subnet}/${node} ${cyan(name)} ${visibleJson(envelope.data)}`);
}
