import { resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { counted, visibleJson, visibleText } from "@adaos/core/wire";
import { readLayout } from "@adaos/provision";
import { isTokenKept, listTokens, revokeToken, revokeTokens } from "@adaos/viewer";
import { Command } from "commander";
import { audited } from "../../../options/audited.ts";
import { jsonOption, type StateOptions, stateOption } from "../../../options/options.ts";
import type { Terminal } from "../../../terminal/terminal.ts";

interface RevokeOptions extends StateOptions {
  readonly name?: string;
  readonly all?: boolean;
}

export function tokenRevokeCommand(terminal: Terminal): Command {
  return new Command("revoke")
    .description("refuse tokens from now on, also where a page or a program is using them")
    .argument("[ids...]", "of adaos view token list")
    .option("--name <name>", "all of this holder")
    .option("--all", "every token made before")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nOpen feeds end within a second. Replays and purges that were begun go on.")
    .addHelpText("after", "\nExample:\n  adaos view token revoke 3f9c1a7be204")
    .action(async (ids: readonly string[], options: RevokeOptions) => {
      const stateDir = resolveStateDir(options.state);
      readLayout(stateDir);
      const { what, revoke } = plannedFor(ids, options, stateDir, terminal);
      const revoked = await audited(options, terminal, { action: "view.revoke", what }, async (tally) => {
        const count = revoke();
        tally(count);
        return count;
      });
      if (options.json === true) terminal.out(visibleJson({ revoked }));
      else terminal.say(`${counted(revoked, "token")} revoked`);
    });
}

interface Planned {
  /** For the audit trail. */
  readonly what: string;
  /** Returns the number of revoked tokens. */
  readonly revoke: () => number;
}

/** Throws `usage` unless exactly one way to name tokens is used, and each id is one. */
function plannedFor(
  ids: readonly string[],
  { name, all = false }: RevokeOptions,
  stateDir: string,
  { say }: Terminal,
): Planned {
  if ([ids.length > 0, name !== undefined, all].filter(Boolean).length !== 1)
    throw new MeshError(
      "usage",
      "name tokens by their ids, or with --name, or take --all; adaos view token list",
    );
  if (all) return { what: "all tokens of the viewer", revoke: () => revokeTokens(stateDir) };
  const named = name === undefined ? [...new Set(ids)] : idsOf(name, stateDir, say);
  const unknown = named.find((id) => !isTokenKept(stateDir, id));
  if (unknown !== undefined)
    throw new MeshError(
      "usage",
      `${visibleText(unknown).slice(0, 100)} is no token's id; adaos view token list shows them`,
    );
  return {
    what: name === undefined ? `tokens ${named.join(" ")} of the viewer` : `tokens of ${name}`,
    revoke: () => named.filter((id) => revokeToken(stateDir, id)).length,
  };
}

function idsOf(name: string, stateDir: string, say: (line: string) => void): readonly string[] {
  const ids = listTokens(stateDir, Date.now(), say)
    .filter((token) => token.name === name)
    .map(({ id }) => id);
  if (ids.length > 0) return ids;
  const told = visibleText(name).slice(0, 100);
  throw new MeshError("usage", `${told} holds no token; adaos view token list shows the holders`);
}
