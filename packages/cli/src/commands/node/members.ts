import { resolveStateDir } from "@adaos/config";
import { parseEventPattern } from "@adaos/core";
import { visibleJson } from "@adaos/core/wire";
import type { AuditedAct } from "@adaos/operations";
import type { MemberChange } from "@adaos/supervise";
import { Command } from "commander";
import { audited } from "../../options/audited.ts";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import type { Terminal } from "../../terminal/terminal.ts";

interface AddOptions extends StateOptions {
  readonly role: readonly string[];
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

interface RemoveOptions extends StateOptions {
  readonly yes?: boolean;
}

const collect = (text: string, before: readonly string[]): string[] => [...before, ...text.split(",")];
const patterns = (texts: readonly string[]): string[] => texts.map((text) => parseEventPattern(text).text);

export function nodeAddCommand(terminal: Terminal): Command {
  return new Command("add")
    .description("add a member to the mesh file and to the mesh that runs: key, rights and daemon")
    .argument("<subnet/member>", "the new member")
    .option("--publish <patterns>", "events that it may publish: ui.,nlp.intent.detected", collect, [])
    .option("--subscribe <patterns>", "events that it may subscribe", collect, [])
    .option("--role <roles>", "names for the rules of the policy", collect, [])
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos node add alpha/hall --publish ui. --subscribe ui.,timer.")
    .action(async (id: string, { role: roles, publish, subscribe, ...options }: AddOptions) => {
      const rights = { roles, publish: patterns(publish), subscribe: patterns(subscribe) };
      const { addMember } = await import("@adaos/supervise");
      await change("node.add", id, options, terminal, () => addMember(id, rights, options.state));
    });
}

export function nodeRemoveCommand(terminal: Terminal): Command {
  return new Command("remove")
    .description(
      "take a member out of the mesh file and the mesh that runs: its key opens nothing from then on",
    )
    .argument("<subnet/member>", "the member")
    .option("--yes", "do not ask")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos node remove alpha/hall --yes")
    .action(async (id: string, options: RemoveOptions) => {
      const { confirmed } = await import("../../options/change-options.ts");
      if (!(await confirmed("remove", `member (${id})`, { count: 1 }, options, terminal))) return;
      const { removeMember } = await import("@adaos/supervise");
      await change("node.remove", id, options, terminal, () => removeMember(id, options.state));
    });
}

export function nodeRotateCommand(terminal: Terminal): Command {
  return new Command("rotate")
    .description("give a node another key: it takes it up by itself, the old key opens nothing any more")
    .argument("<node>", "alpha/kitchen, alpha/hub or root; with --leaf a subnet")
    .option("--leaf", "the key of the subnet's leaf connection to the root")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos node rotate alpha/kitchen && adaos node rotate alpha --leaf")
    .action(async (id: string, options: StateOptions & { readonly leaf?: boolean }) => {
      const { restartForKey, rotateKey } = await import("@adaos/supervise");
      const what = options.leaf === true ? `${id} (leaf)` : id;
      await change("node.rotate", what, options, terminal, () =>
        rotateKey(id, options.leaf === true, options.state),
      );
      const restart = restartForKey(resolveStateDir(options.state), id);
      if (restart !== undefined) terminal.say(`systemd hands it the new key at its start: ${restart}`);
    });
}

async function change(
  action: string,
  what: string,
  options: StateOptions,
  terminal: Terminal,
  make: () => Promise<MemberChange>,
): Promise<void> {
  const act: AuditedAct = { action, what };
  const changed = await audited(options, terminal, act, async (tally) => {
    const made = await make();
    tally(1);
    return made;
  });
  print(changed, options, terminal);
}

function print(
  { node, done, nodeFile, inForceMs }: MemberChange,
  { json }: StateOptions,
  terminal: Terminal,
): void {
  if (json === true) {
    terminal.out(visibleJson({ node, [done]: true, node_file: nodeFile, in_force_ms: inForceMs }));
    return;
  }
  terminal.out(`${node} ${done}, in force after ${inForceMs} ms`);
  if (nodeFile !== undefined) terminal.say(`its file is ${nodeFile}`);
}
