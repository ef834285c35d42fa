import { type AlertStore, withAlertStore } from "@adaos/alerts";
import { resolveStateDir } from "@adaos/config";
import { readLayout } from "@adaos/provision";
import type { StateOptions } from "../../options/options.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { withThoseThatAnswer } from "../events/failures/failure-options.ts";

const JUDGED_NOWHERE = "alerts are off here: write alerts: {} into the mesh file, and run adaos policy apply";

/** Runs `use` with the store of each server that has one. Resolves with the number of stores. */
export async function withStores(
  { state }: StateOptions,
  terminal: Terminal,
  use: (store: AlertStore) => Promise<void>,
): Promise<number> {
  let found = 0;
  const { servers } = readLayout(resolveStateDir(state));
  await withThoseThatAnswer(servers, terminal, async (server) => {
    if (await withAlertStore(server, use)) found++;
  });
  if (found === 0) terminal.say(JUDGED_NOWHERE);
  return found;
}
