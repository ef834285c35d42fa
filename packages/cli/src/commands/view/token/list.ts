import { resolveStateDir } from "@adaos/config";
import { visibleJson } from "@adaos/core/wire";
import { readLayout } from "@adaos/provision";
import { listTokens } from "@adaos/viewer";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../../options/options.ts";
import { type Terminal, table } from "../../../terminal/terminal.ts";

export function tokenListCommand(terminal: Terminal): Command {
  return new Command("list")
    .description("tokens that are still good: id, holder, role, when they were made and when they end")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nIt shows no token: of those only a hash is kept.")
    .addHelpText("after", "\nExample:\n  adaos view token list")
    .action((options: StateOptions) => {
      const stateDir = resolveStateDir(options.state);
      readLayout(stateDir);
      const tokens = listTokens(stateDir, Date.now(), terminal.say).map(
        ({ id, name, role, madeMs, expiresMs }) => ({
          id,
          name,
          role,
          made: timeOf(madeMs),
          ...(expiresMs === undefined ? {} : { expires: timeOf(expiresMs) }),
        }),
      );
      if (options.json === true) for (const one of tokens) terminal.out(visibleJson(one));
      else {
        const rows = tokens.map(({ id, name, role, made, expires }) => [
          id,
          name,
          role,
          made,
          expires === undefined ? "until it is revoked" : `until ${expires}`,
        ]);
        for (const line of table(rows)) terminal.out(line);
      }
    });
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
