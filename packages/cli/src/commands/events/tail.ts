import { resolveStateDir } from "@adaos/config";
import { decodeEnvelope, type Envelope, type EventPattern } from "@adaos/core";
import { messageOf, parseSubject, patternToFilter, visibleJson } from "@adaos/core/wire";
import { EventMask, undeclaredNote, withServers } from "@adaos/operations";
import { readLayout, type ServerLayout, serverOf } from "@adaos/provision";
import { untilAsked } from "@adaos/supervise";
import type { Connection } from "@adaos/transport-nats";
import { Command, Option } from "commander";
import { DeliverPolicy, type JsMsg, type OrderedConsumerOptions } from "nats";
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
  await withServers([server], async ({ connection }) => {
    const isAway = tellAbsence(connection, options.at, terminal);
    await follow({ connection, server, pattern, mask }, options, terminal);
    if (isAway()) process.exitCode = EXIT_CODES.unavailable;
  });
}

interface Watched {
  readonly connection: Connection;
  readonly server: ServerLayout;
  readonly pattern: EventPattern;
  readonly mask: EventMask;
}

async function follow(
  { connection, server, pattern, mask }: Watched,
  options: EventsTailOptions,
  terminal: Terminal,
): Promise<void> {
  const asked = untilAsked();
  const consumer = await connection.nc.jetstream().consumers.get(server.stream, {
    filterSubjects: patternToFilter(pattern),
    ...startOf(options),
  });
  // Short pulls: after a server's restart an ordered consumer comes back in 8 s instead of 45 s.
  const messages = await consumer.consume({ expires: 5000 });
  void asked.promise.then(() => messages.stop());
  if (terminal.outIsTty) terminal.say(`watching ${pattern.text} at ${options.at}; Ctrl-C stops`);
  let left = options.count ?? Number.POSITIVE_INFINITY;
  for await (const message of messages) {
    print(message, mask, options.json === true, terminal);
    if (--left <= 0) break;
  }
}

/** Says when a server stops answering, and when it answers again. Returns whether it is away. */
function tellAbsence(connection: Connection, of: string, terminal: Terminal): () => boolean {
  let isAway = false;
  connection.listen({
    onDisconnect: () => {
      isAway = true;
      terminal.say(`${of} does not answer any more; waiting for it`);
    },
    onReconnect: () => {
      isAway = false;
      terminal.say(`${of} answers again`);
    },
  });
  return () => isAway;
}

/** Where a consumer begins. Pure, but for the clock. */
function startOf({ since, last }: EventsTailOptions): Partial<OrderedConsumerOptions> {
  if (last === true) return { deliver_policy: DeliverPolicy.Last };
  if (since === undefined) return { deliver_policy: DeliverPolicy.New };
  return {
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: new Date(Date.now() - since).toISOString(),
  };
}

function print(message: JsMsg, mask: EventMask, json: boolean, terminal: Terminal): void {
  let envelope: Envelope;
  try {
    envelope = mask.envelope(decodeEnvelope(message.data, false), message.subject);
  } catch (thrown) {
    terminal.say(`${message.subject} at ${message.seq} is not an event: ${messageOf(thrown)}`);
    return;
  }
  if (json || !terminal.outIsTty) return terminal.out(visibleJson(envelope));
  const { subnet, node } = parseSubject(message.subject);
  const { dim, cyan } = terminal.colors;
  const name = `${envelope.event_name}@${envelope.version}`;
  terminal.out(`${dim(envelope.ts)} ${subnet}/${node} ${cyan(name)} ${visibleJson(envelope.data)}`);
}
