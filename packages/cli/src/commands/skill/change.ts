import { resolveStateDir } from "@adaos/config";
import { visibleJson } from "@adaos/core/wire";
import { isSwitched, memberOfSkill, type SkillSwitch, storeSwitch, untilSwitched } from "@adaos/supervise";
import { Command } from "commander";
import { audited } from "../../options/audited.ts";
import { jsonOption, stateOption } from "../../options/options.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import type { MemberOptions } from "./member-options.ts";

export function skillEnableCommand(terminal: Terminal): Command {
  return named(new Command("enable"))
    .description("let a member's daemon run a skill again")
    .addHelpText("after", "\nExample:\n  adaos skill enable greeter")
    .action((name: string, options: MemberOptions) => change("enable", name, options, terminal));
}

export function skillDisableCommand(terminal: Terminal): Command {
  return named(new Command("disable"))
    .description("stop a skill of a member's daemon, and keep it stopped; its events wait")
    .addHelpText("after", "\nExample:\n  adaos skill disable greeter")
    .action((name: string, options: MemberOptions) => change("disable", name, options, terminal));
}

function named(command: Command): Command {
  return command
    .argument("<name>", "the skill; adaos skill list names them")
    .option("--as <subnet/member>", "the member, where several have a skill of this name")
    .addOption(stateOption())
    .addOption(jsonOption());
}

async function change(
  verb: SkillSwitch,
  name: string,
  options: MemberOptions,
  terminal: Terminal,
): Promise<void> {
  const stateDir = resolveStateDir(options.state);
  const skill = await memberOfSkill(name, stateDir, options.as);
  const { member } = skill;
  const isChanged = isSwitched(skill, name, verb);
  if (isChanged) {
    const act = { action: `skill.${verb}`, what: `${member} ${name}`, subnets: [member.split("/")[0] ?? ""] };
    await audited(options, terminal, act, async (tally) => {
      storeSwitch(skill, name, verb);
      tally(1);
    });
  }
  const isInForce = await untilSwitched(skill, name, verb, stateDir);
  if (options.json === true)
    return terminal.out(
      visibleJson({ member, skill: name, [`${verb}d`]: true, changed: isChanged, in_force: isInForce }),
    );
  terminal.out(`${verb}d ${name} of ${member}`);
  if (!isInForce) terminal.say(`the daemon of ${member} has not answered; it follows when it runs`);
}
