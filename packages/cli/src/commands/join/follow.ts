import { resolveStateDir } from "@adaos/config";
import { visibleJson } from "@adaos/core/wire";
import { Command } from "commander";
import { audited } from "../../options/audited.ts";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import type { Terminal } from "../../terminal/terminal.ts";

/** The supervisor may be asking in this moment. */
const LOCK_WAIT_MS = 30_000;

export function joinFollowCommand(terminal: Terminal): Command {
  return new Command("follow")
    .description("on a machine that has joined: take its files from the root now, as adaos up does by itself")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExample, for a timer where no supervisor runs:\n  adaos join follow --state .adaos",
    )
    .action(async ({ state, json }: StateOptions) => {
      const { followRoot } = await import("@adaos/supervise");
      const act = { action: "join.follow", what: "the files of this machine, from its root" };
      const followed = await audited({ state }, terminal, act, async (tally) => {
        const found = await followRoot(resolveStateDir(state), LOCK_WAIT_MS);
        tally(found.changed.length + found.added.length + found.removed.length);
        return found;
      });
      const { outcome, changed, added, removed, certificate } = followed;
      if (json === true) return terminal.out(visibleJson({ outcome, changed, added, removed, certificate }));
      if (outcome === "same") terminal.out("nothing is new at the root");
      else if (outcome === "waits")
        terminal.out("the root's mesh file has changes that are not applied there; nothing was taken");
      else {
        for (const id of changed) terminal.out(`~ ${id}`);
        for (const id of added) terminal.out(`+ ${id}`);
        for (const id of removed) terminal.out(`- ${id}`);
        if (certificate) terminal.out("~ certificate");
      }
    });
}
