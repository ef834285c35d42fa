import { userInfo } from "node:os";
import { resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { visibleJson } from "@adaos/core/wire";
import { readLayout } from "@adaos/provision";
import { makeToken, ROLES, type Role, revokeTokens } from "@adaos/viewer";
import { Command, InvalidArgumentError, Option } from "commander";
import { audited } from "../../options/audited.ts";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { parseDuration } from "../../options/parse-time.ts";
import type { Terminal } from "../../terminal/terminal.ts";

export interface RoleOptions {
  readonly role: Role;
  /** Milliseconds. */
  readonly for: number;
}

interface TokenOptions extends StateOptions, RoleOptions {
  readonly name?: string;
  readonly revokeAll?: boolean;
}

const HOUR_MS = 3_600_000;
const MAX_MS = 366 * 24 * HOUR_MS;

export function withRole(command: Command): Command {
  return command
    .addOption(
      new Option("--role <role>", "viewer: looks only; operator: replays, purges, publishes too")
        .choices(ROLES)
        .default("operator"),
    )
    .option("--for <time>", "how long the token is good: 30m, 12h, 7d", parseFor, 12 * HOUR_MS);
}

export function viewTokenCommand(terminal: Terminal): Command {
  return withRole(new Command("token"))
    .description("print a token for the viewer, its API and its feed; or make every earlier one useless")
    .option("--name <name>", "its holder, as the audit trail names him (default: your user name)")
    .option("--revoke-all", "refuse every token made before, and print none")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos view token --role viewer --for 7d --name panel")
    .action(async (options: TokenOptions) => {
      const stateDir = resolveStateDir(options.state);
      readLayout(stateDir);
      if (options.revokeAll === true) return revoke(stateDir, options, terminal);
      const { token, expires } = newToken(stateDir, options, options.name);
      if (options.json === true) terminal.out(visibleJson({ token, role: options.role, expires }));
      else terminal.out(token);
    });
}

async function revoke(stateDir: string, options: TokenOptions, terminal: Terminal): Promise<void> {
  await audited(options, terminal, { action: "view.revoke", what: "all tokens of the viewer" }, async () =>
    revokeTokens(stateDir),
  );
  if (options.json === true) terminal.out(visibleJson({ revoked: true }));
  else terminal.say("every token made before is refused from now on");
}

/** A token as the options demand it. Throws `usage` for a name that is too long. */
export function newToken(
  stateDir: string,
  { role, for: forMs }: RoleOptions,
  name: string = userInfo().username,
): { readonly token: string; readonly expires: string } {
  if (!/^[\w.@-]{1,64}$/.test(name))
    throw new MeshError("usage", "--name has 1 to 64 letters, digits, and . _ @ -");
  const expiresMs = Date.now() + forMs;
  return {
    token: makeToken(stateDir, { name, role, expiresMs }),
    expires: new Date(expiresMs).toISOString(),
  };
}

function parseFor(text: string): number {
  const ms = parseDuration(text);
  if (ms > 0 && ms <= MAX_MS) return ms;
  throw new InvalidArgumentError("must be at most 366d");
}
