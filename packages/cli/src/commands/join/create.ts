import { resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { visibleJson } from "@adaos/core/wire";
import { Command, InvalidArgumentError, Option } from "commander";
import { audited } from "../../options/audited.ts";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { parseDuration } from "../../options/parse-time.ts";
import type { Terminal } from "../../terminal/terminal.ts";

interface CreateOptions extends StateOptions {
  readonly subnet: string;
  readonly role: "hub" | "member";
  readonly name?: string;
  readonly ttl: number;
}

const DEFAULT_TTL_MS = 600_000;
const MAX_TTL_MS = 86_400_000;

export function joinCreateCommand(terminal: Terminal): Command {
  return new Command("create")
    .description("make a code by which another machine can join once; run it on the root's machine")
    .requiredOption("--subnet <subnet>", "the subnet; it says remote: true in the mesh file")
    .addOption(
      new Option("--role <role>", "hub: the subnet's hub and members; member: a member of another hub")
        .choices(["hub", "member"])
        .default("hub"),
    )
    .option("--name <member>", "with --role member: the member; it has remote: true in the mesh file")
    .addOption(
      new Option("--ttl <duration>", "until it expires, 24h at most")
        .argParser(parseTtl)
        .default(DEFAULT_TTL_MS, "10m"),
    )
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos join create --subnet gamma --role hub --ttl 10m")
    .action(async ({ subnet, role, name, ttl, json, state }: CreateOptions) => {
      if ((role === "member") !== (name !== undefined)) {
        throw new MeshError("usage", "--role member and --name go together");
      }
      const { invite } = await import("@adaos/supervise");
      const act = { action: "join.create", what: `an invitation for ${subnet}/${name ?? "hub"}` };
      const invited = await audited({ state }, terminal, act, async (tally) => {
        const made = await invite({ subnet, member: name }, ttl, resolveStateDir(state));
        tally(1);
        return made;
      });
      const { code, invitation, host, port, isLocal } = invited;
      const { id, expiresAt } = invitation;
      if (json === true) {
        terminal.out(visibleJson({ code: code.text, id, expires_at: expiresAt, host, port, tls: code.tls }));
        return;
      }
      terminal.out(code.text);
      terminal.say(`it works once, until ${expiresAt}; adaos join revoke ${id} takes it back`);
      terminal.say(
        `on the other machine, where it is read from standard input: adaos join - --root ${isLocal ? host : "HOST"}:${port}`,
      );
      if (isLocal)
        terminal.say(`only this machine reaches ${host}; set root.host in the mesh file for others`);
      else if (!code.tls)
        terminal.say("the root speaks without TLS; the other machine has to say --allow-plain");
    });
}

function parseTtl(text: string): number {
  const ms = parseDuration(text);
  if (ms >= 1000 && ms <= MAX_TTL_MS) return ms;
  throw new InvalidArgumentError("must be 1s to 24h");
}
