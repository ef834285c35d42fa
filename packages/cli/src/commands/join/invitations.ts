import { resolveStateDir } from "@adaos/config";
import { visibleJson } from "@adaos/core/wire";
import { Invitations } from "@adaos/provision";
import { Command } from "commander";
import { audited } from "../../options/audited.ts";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";

export function joinListCommand(terminal: Terminal): Command {
  return new Command("list")
    .description("invitations that are open")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos join list")
    .action(({ state, json }: StateOptions) => {
      const open = new Invitations(resolveStateDir(state))
        .list()
        .map(({ id, subnet, member, expiresAt, claimedBy }) => ({
          id,
          node: `${subnet}/${member ?? "hub"}`,
          expires_at: expiresAt,
          used: claimedBy !== undefined,
        }));
      if (json === true) for (const one of open) terminal.out(visibleJson(one));
      else {
        const rows = open.map(({ id, node, expires_at, used }) => [
          id,
          node,
          expires_at,
          used ? "used, not finished" : "open",
        ]);
        for (const line of table(rows)) terminal.out(line);
      }
    });
}

export function joinRevokeCommand(terminal: Terminal): Command {
  return new Command("revoke")
    .description("take an invitation back: its code opens nothing any more")
    .argument("<id>", "of adaos join list")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos join revoke k7d2mq4x")
    .action(async (id: string, { state, json }: StateOptions) => {
      const { revoke } = await import("@adaos/supervise");
      const act = { action: "join.revoke", what: `invitation ${id}` };
      await audited({ state }, terminal, act, async (tally) => {
        await revoke(id, resolveStateDir(state));
        tally(1);
      });
      terminal.out(json === true ? visibleJson({ revoked: id }) : `${id} revoked`);
    });
}
