import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { visibleJson } from "@adaos/core/wire";
import type { OwnCertificates } from "@adaos/provision";
import { parseJoinCode } from "@adaos/provision";
import { joinMesh } from "@adaos/supervise";
import { Command, InvalidArgumentError } from "commander";
import { audited } from "../../options/audited.ts";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { joinCreateCommand } from "./create.ts";
import { joinFollowCommand } from "./follow.ts";
import { joinListCommand, joinRevokeCommand } from "./invitations.ts";

interface JoinCommandOptions extends StateOptions {
  readonly root?: { readonly host: string; readonly port: number };
  readonly registry: string;
  readonly allowPlain?: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

const CLIENT_PORT = 4222;

export function joinCommand(terminal: Terminal): Command {
  return (
    new Command("join")
      // Else this would take the options of the commands below it for its own.
      .enablePositionalOptions()
      .description("join the mesh of another machine by a code that was made there with adaos join create")
      .argument(
        "[code]",
        "- reads the code from standard input; the code itself here is shown by lists of processes and kept by shells",
      )
      .option(
        "--root <host[:port]>",
        `the root's machine and the port of its server (${CLIENT_PORT})`,
        parseRoot,
      )
      .option("--registry <dir>", "folder of the schema registry on this machine", "schemas/events")
      .option("--allow-plain", "speak to another machine without TLS")
      .option("--ca <file>", "CA of a mesh with its own certificates")
      .option("--cert <file>", "this machine's certificate in such a mesh")
      .option("--key <file>", "its key")
      .addOption(stateOption())
      .addOption(jsonOption())
      .addCommand(joinCreateCommand(terminal))
      .addCommand(joinFollowCommand(terminal))
      .addCommand(joinListCommand(terminal))
      .addCommand(joinRevokeCommand(terminal))
      .addHelpText(
        "after",
        "\nExample, which waits for the code, a line end and Ctrl-D:\n  adaos join - --root 192.0.2.7:4222 --state .adaos",
      )
      .action(async (code: string | undefined, options: JoinCommandOptions) => {
        if (code === undefined)
          throw new MeshError("usage", "name the code; adaos join create makes one on the root's machine");
        if (options.root === undefined)
          throw new MeshError("usage", "name the root's machine with --root HOST[:PORT]");
        const stateDir = resolveStateDir(options.state);
        const certificates = certificatesOf(options);
        const { mesh, layout } = await joinMesh(
          parseJoinCode(code === "-" ? readFileSync(0, "utf8") : code),
          {
            root: options.root,
            stateDir,
            registryDir: resolve(options.registry),
            allowPlain: options.allowPlain === true,
            ...(certificates === undefined ? {} : { certificates }),
          },
        );
        const joined = layout.nodes.map(({ id }) => id).join(", ");
        const act = { action: "join", what: `${mesh} as ${joined}` };
        // Its folder is begun by joining: a code that opens nothing leaves none behind.
        await audited(options, terminal, act, async (tally) => tally(layout.nodes.length));
        const nodes = layout.nodes.map(({ id, role, nodeFile }) => ({ id, role, node_file: nodeFile }));
        const servers = layout.servers.map(({ name, configFile }) => ({ name, config_file: configFile }));
        if (options.json === true)
          return terminal.out(visibleJson({ joined: mesh, state: stateDir, servers, nodes }));
        terminal.out(`joined ${mesh} as ${joined}`);
        terminal.say(`start it: adaos up --state ${options.state}`);
        terminal.say("or each by itself, as systemd or a container would:");
        for (const { config_file } of servers) terminal.say(`  nats-server -c ${config_file}`);
        for (const { role, node_file } of nodes) terminal.say(`  adaos node ${role} --config ${node_file}`);
      })
  );
}

function certificatesOf({ ca, cert, key }: JoinCommandOptions): OwnCertificates | undefined {
  if ((cert === undefined) !== (key === undefined))
    throw new MeshError("usage", "--cert and --key go together");
  if (ca === undefined) {
    if (cert === undefined) return undefined;
    throw new MeshError("usage", "--cert needs --ca");
  }
  const shown =
    cert === undefined || key === undefined ? {} : { certFile: resolve(cert), keyFile: resolve(key) };
  return { caFile: resolve(ca), ...shown };
}

function parseRoot(text: string): { readonly host: string; readonly port: number } {
  const [, host = "", port = String(CLIENT_PORT)] =
    /^([A-Za-z0-9][A-Za-z0-9.-]{0,252})(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (host === "" || Number(port) < 1 || Number(port) > 65_535)
    throw new InvalidArgumentError("must be HOST or HOST:PORT");
  return { host, port: Number(port) };
}
