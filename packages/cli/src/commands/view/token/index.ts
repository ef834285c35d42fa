import { userInfo } from "node:os";
import { resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { visibleJson } from "@adaos/core/wire";
import { readLayout } from "@adaos/provision";
import { makeToken, ROLES, type Role } from "@adaos/viewer";
import { Command, InvalidArgumentError, Option } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../../options/options.ts";
import { parseDuration } from "../../../options/parse-time.ts";
import type { Terminal } from "../../../terminal/terminal.ts";
import { tokenListCommand } from "./list.ts";
import { tokenRevokeCommand } from "./revoke.ts";

export interface RoleOptions {
  readonly role: Role;
  /** Milliseconds. */
  readonly for: number | "ever";
}

interface TokenOptions extends StateOptions, RoleOptions {
  readonly name?: string;
}

/** What a new token is; `expires` is RFC 3339. */
interface NewToken {
  readonly token: string;
  /** Names it without opening anything. */
  readonly id: string;
  readonly expires?: string;
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
    .option(
      "--for <time>",
      "how long the token is good: 30m, 12h, 7d; ever: until it is revoked",
      parseFor,
      12 * HOUR_MS,
    );
}

export function viewTokenCommand(terminal: Terminal): Command {
  return (
    withRole(new Command("token"))
      // Else this would take the options of the commands below it for its own.
      .enablePositionalOptions()
      .description("print a token for the viewer, its API and its feed")
      .option("--name <name>", "its holder, as the audit trail names him (default: your user name)")
      .addOption(stateOption())
      .addOption(jsonOption())
      .addCommand(tokenListCommand(terminal))
      .addCommand(tokenRevokeCommand(terminal))
      .addHelpText("after", "\nExample:\n  adaos view token --role viewer --for 7d --name panel")
      .action((options: TokenOptions) => {
        const stateDir = resolveStateDir(options.state);
        readLayout(stateDir);
        const { token, ...rest } = newToken(stateDir, options, options.name);
        if (options.json === true) terminal.out(visibleJson({ token, role: options.role, ...rest }));
        else terminal.out(token);
      })
  );
}

/** A token as the options demand it. Throws `usage` for a wrong name, or where there are too many tokens. */
export function newToken(
  stateDir: string,
  { role, for: forMs }: RoleOptions,
  name: string = userInfo().username,
): NewToken {
  if (!/^[\w.@-]{1,64}$/.test(name))
    throw new MeshError("usage", "--name has 1 to 64 letters, digits, and . _ @ -");
  const expiresMs = forMs === "ever" ? undefined : Date.now() + forMs;
  const token = makeToken(stateDir, { name, role, expiresMs });
  const [id = ""] = token.split(".");
  return {
    token,
    id,
    ...(expiresMs === undefined ? {} : { expires: new Date(expiresMs).toISOString() }),
  };
}

function parseFor(text: string): number | "ever" {
  if (text === "ever") return text;
  const ms = parseDuration(text);
  if (ms > 0 && ms <= MAX_MS) return ms;
  throw new InvalidArgumentError("must be more than 0s and at most 366d, or ever");
}
