import { firstLine, UNKNOWN_EVENT_RULE, visibleJson } from "@adaos/core/wire";
import { type DeadLetterSummary, deadLetters, Newest, summaryOf } from "@adaos/operations";
import { Command } from "commander";
import { type Terminal, table } from "../../../terminal/terminal.ts";
import { type FailureOptions, withFilters, withHubs, withLimit } from "./failure-options.ts";

/** Failures that another attempt most likely cures come first. */
const CATEGORIES = ["transient", "unknown"] as const;

export function eventsRetryCandidatesCommand(terminal: Terminal): Command {
  return withLimit(withFilters(new Command("retry-candidates")))
    .description("dead letters that another attempt may handle: transient failures, then unknown ones")
    .addHelpText("after", "\nExample:\n  adaos events retry-candidates --durable screen --json")
    .action(async (options: FailureOptions & { readonly limit: number }) => {
      const groups = new Map(CATEGORIES.map((category) => [category as string, newest(options.limit)]));
      await withHubs(options, terminal, async (hub) => {
        for await (const letter of deadLetters(hub, options)) {
          // A parked event is released by itself, and only its program can repeat a run.
          if (letter.entry.rule === UNKNOWN_EVENT_RULE || letter.entry.kind === "run") continue;
          groups.get(letter.entry.category)?.add(summaryOf(letter));
        }
      });
      for (const [category, found] of groups) print(category, found, options.json === true, terminal);
    });
}

function newest(limit: number): Newest<DeadLetterSummary> {
  return new Newest(limit, ({ at }) => at);
}

function print(
  category: string,
  found: Newest<DeadLetterSummary>,
  json: boolean,
  { out, say }: Terminal,
): void {
  const letters = found.items();
  if (json) {
    for (const letter of letters) out(visibleJson(letter));
    return;
  }
  for (const line of table(letters.map(rowOf))) out(line);
  const more = found.seen > letters.length ? ` of ${found.seen}; see more with --limit` : "";
  say(`${letters.length} ${category}${more}`);
}

function rowOf(letter: DeadLetterSummary): string[] {
  const { category, at, dead_letter_id, node, durable, event_name, error } = letter;
  return [category, at, dead_letter_id, node, durable, event_name, firstLine(error.message, 60)];
}
