import { resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { messageOf, visibleJson } from "@adaos/core/wire";
import { deadLetters, type KeptDeadLetter, operatorSignatures, type Tally } from "@adaos/operations";
import { readLayout } from "@adaos/provision";
import { DeadLetterQueue } from "@adaos/transport-nats";
import { Command } from "commander";
import { audited } from "../../../options/audited.ts";
import { jsonOption, type StateOptions, stateOption } from "../../../options/options.ts";
import { EXIT_CODES } from "../../../terminal/exit-codes.ts";
import { type Terminal, table } from "../../../terminal/terminal.ts";
import { withHubs } from "./failure-options.ts";

interface RetryOptions extends StateOptions {
  readonly dryRun?: boolean;
}

/** The result for one dead letter. */
interface Retried {
  readonly dead_letter_id: string;
  readonly event_id: string;
  readonly node: string;
  readonly durable: string;
  readonly category: string;
  /** The id under which the event runs again; nothing when it was not run. */
  readonly new_event_id?: string;
  readonly error?: string;
}

export function eventsRetryCommand(terminal: Terminal): Command {
  return new Command("retry")
    .description("give single dead letters to the handlers that failed, once more and now")
    .argument("<ids...>", "ids of dead letters, or of events: then all the dead letters of each")
    .option("--dry-run", "only show the plan")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nFor many of a kind: adaos events dlq replay.")
    .addHelpText("after", "\nExample:\n  adaos events retry EVT-20260105-093000-0123456789ab")
    .action(async (ids: string[], options: RetryOptions) => {
      const letters = await find(new Set(ids), options, terminal);
      const permanent = letters.filter(({ entry }) => entry.category === "permanent");
      for (const { entry } of permanent) {
        terminal.say(`${entry.dead_letter_id} failed for a reason that time does not cure; was it mended?`);
      }
      if (options.dryRun === true) {
        for (const letter of letters) print(aboutOf(letter), options, terminal);
        return;
      }
      const subnets = [...new Set(letters.map(({ subnet }) => subnet))];
      const act = { action: "events.retry", what: ids.join(", "), subnets };
      await audited(options, terminal, act, (tally) => retryAll(letters, options, terminal, tally));
    });
}

async function retryAll(
  letters: readonly KeptDeadLetter[],
  options: RetryOptions,
  terminal: Terminal,
  tally: Tally,
): Promise<void> {
  let [done, failed] = [0, 0];
  const signatures = operatorSignatures(readLayout(resolveStateDir(options.state)));
  await withHubs(options, terminal, async (hub) => {
    const desk = new DeadLetterQueue(hub.of, hub.connection, hub.jsm, signatures);
    for (const letter of letters.filter(({ subnet }) => subnet === hub.of)) {
      const retried = await retry(desk, letter);
      if (retried.error === undefined) done++;
      else failed++;
      tally(done, failed);
      print(retried, options, terminal);
    }
    await desk.close();
  });
}

/** Rejects with `usage`, before any retry, when one of the ids has no dead letter. */
async function find(
  ids: ReadonlySet<string>,
  options: RetryOptions,
  terminal: Terminal,
): Promise<KeptDeadLetter[]> {
  const found: KeptDeadLetter[] = [];
  const unknown = new Set(ids);
  await withHubs(options, terminal, async (hub) => {
    for await (const letter of deadLetters(hub)) {
      const { dead_letter_id: letterId, event_id: eventId } = letter.entry;
      if (!ids.has(letterId) && !ids.has(eventId)) continue;
      found.push(letter);
      unknown.delete(letterId);
      unknown.delete(eventId);
    }
  });
  if (unknown.size === 0) return found;
  throw new MeshError("usage", `no dead letter ${[...unknown].map((id) => visibleJson(id)).join(", ")}`);
}

function aboutOf({ entry }: KeptDeadLetter): Retried {
  const { dead_letter_id, event_id, node, durable, category } = entry;
  return { dead_letter_id, event_id, node, durable, category };
}

async function retry(desk: DeadLetterQueue, letter: KeptDeadLetter): Promise<Retried> {
  const about = aboutOf(letter);
  try {
    return { ...about, new_event_id: await desk.replay(letter) };
  } catch (thrown) {
    process.exitCode = EXIT_CODES[MeshError.from(thrown, "unavailable", "not run again").code];
    return { ...about, error: messageOf(thrown) };
  }
}

function print(retried: Retried, { json, dryRun }: RetryOptions, terminal: Terminal): void {
  const { dead_letter_id, node, durable, new_event_id, error } = retried;
  if (json === true) {
    terminal.out(visibleJson(dryRun === true ? { ...retried, dry_run: true } : retried));
  } else if (dryRun === true) {
    terminal.say(`would run ${dead_letter_id} again at ${node} ${durable}`);
  } else if (new_event_id !== undefined) {
    for (const line of table([[dead_letter_id, node, durable, new_event_id]])) terminal.out(line);
  }
  if (error !== undefined) terminal.say(`${dead_letter_id}: ${error}`);
}
