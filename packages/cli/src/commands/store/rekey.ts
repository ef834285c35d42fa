import { resolve } from "node:path";
import { planRekey, type RekeyOptions, rekeyMesh } from "@adaos/backup";
import { resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { counted } from "@adaos/core/wire";
import { Command } from "commander";
import { audited } from "../../options/audited.ts";
import { type ChangeOptions, confirmed, tellCounts } from "../../options/change-options.ts";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { progress } from "../../terminal/progress.ts";
import type { Terminal } from "../../terminal/terminal.ts";

interface RekeyCommandOptions extends StateOptions, ChangeOptions {
  readonly from?: string;
  readonly to?: string;
}

export function storeRekeyCommand(terminal: Terminal): Command {
  return new Command("rekey")
    .description("encrypt the streams of a stopped mesh with another key, or no more")
    .option("--from <file>", "the present key (default: the streams are not encrypted)")
    .option("--to <file>", "the new key (default: the streams shall not be encrypted)")
    .option("--dry-run", "only show what would be done")
    .option("--yes", "do not ask")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nThe streams are copied, so the disk needs their size once more. Name the new key in mesh.yaml.",
    )
    .addHelpText("after", "\nExample:\n  adaos store rekey --from old.key --to new.key")
    .action((options: RekeyCommandOptions) => rekey(options, terminal));
}

async function rekey(options: RekeyCommandOptions, terminal: Terminal): Promise<void> {
  const { from, to } = options;
  if (from === undefined && to === undefined) throw new MeshError("usage", "give --from, --to or both");
  let copied = 0;
  const asked: RekeyOptions = {
    stateDir: resolveStateDir(options.state),
    fromFile: from === undefined ? undefined : resolve(from),
    toFile: to === undefined ? undefined : resolve(to),
    onStream: () => {
      copied++;
    },
  };
  const servers = planRekey(asked).map(({ of }) => of);
  for (const of of servers) terminal.say(`the streams of ${of} are written anew`);
  if (!(await confirmed("rekey", "server", { count: servers.length }, options, terminal))) return;
  const ticker = progress(terminal, () => `${counted(copied, "stream")} copied`);
  try {
    await audited(options, terminal, { action: "store.rekey", what: servers.join(", ") }, async (tally) => {
      await rekeyMesh(asked);
      tally(servers.length);
    });
  } finally {
    ticker.end();
  }
  tellCounts({ rekeyed: servers.length, streams: copied }, options, terminal);
}
