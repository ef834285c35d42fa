import { userInfo } from "node:os";
import { endSilence, MAX_SILENCE_MS, newSilence, silencedName } from "@adaos/alerts";
import { MeshError } from "@adaos/core";
import { visibleJson, visibleText } from "@adaos/core/wire";
import { Command, InvalidArgumentError } from "commander";
import { audited } from "../../options/audited.ts";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { parseDuration } from "../../options/parse-time.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { withStores } from "./stores.ts";

interface SilenceOptions extends StateOptions {
  readonly for: number;
  readonly reason?: string;
}

export function silenceCommand(terminal: Terminal): Command {
  return new Command("silence")
    .description(
      "silence an alert, or all of a rule, for a while; alerts still raised at the end are sent then",
    )
    .argument("<name>", "an alert (linkDown/alpha) or a rule (linkDown)")
    .requiredOption("--for <time>", "how long: 30m, 2h, 7d", parseFor)
    .option("--reason <text>", "why, for other operators")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExample:\n  adaos alerts silence linkDown/alpha --for 2h --reason 'alpha moves house'",
    )
    .action(async (given: string, options: SilenceOptions) => {
      const { for: forMs, reason = "" } = options;
      const silence = newSilence(silencedName(given), { forMs, reason, by: userInfo().username }, Date.now());
      const what = `${silence.name} until ${silence.until}`;
      await audited(options, terminal, { action: "alerts.silence", what }, async (tally) => {
        const count = await withStores(options, terminal, (store) => store.storeSilence(silence));
        if (count === 0) throw new MeshError("unavailable", "no judge took the silence");
        tally(count);
      });
      if (options.json === true) terminal.out(visibleJson(silence));
      else terminal.say(visibleText(`${silence.name} is silenced until ${silence.until}`));
    });
}

export function unsilenceCommand(terminal: Terminal): Command {
  return new Command("unsilence")
    .description("end a silence now: alerts still raised are sent")
    .argument("<name>", "as it was given to silence")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos alerts unsilence linkDown/alpha")
    .action(async (given: string, options: StateOptions) => {
      const nowMs = Date.now();
      const name = silencedName(given);
      const act = { action: "alerts.unsilence", what: name };
      await audited(options, terminal, act, async (tally) => {
        let ended = 0;
        await withStores(options, terminal, async (store) => {
          if (await endSilence(store, name, userInfo().username, nowMs)) tally(++ended);
        });
        if (ended === 0)
          throw new MeshError(
            "usage",
            `${visibleText(name)} is not silenced; adaos alerts lists the silences`,
          );
      });
      if (options.json === true) terminal.out(visibleJson({ name, ended_at: new Date(nowMs).toISOString() }));
      else terminal.say(visibleText(`${name} is no longer silenced`));
    });
}

function parseFor(text: string): number {
  const ms = parseDuration(text);
  if (ms > 0 && ms <= MAX_SILENCE_MS) return ms;
  throw new InvalidArgumentError("must be more than 0s and at most 90d");
}
