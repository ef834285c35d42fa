import { visibleJson } from "@adaos/core/wire";
import { Command } from "commander";
import { audited } from "../../options/audited.ts";
import { jsonOption, stateOption } from "../../options/options.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { type MemberOptions, memberOfSkill, skillsOfMembers } from "./member-skills.ts";

/** The daemon looks every second. */
const IN_FORCE_MS = 10_000;

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
  verb: "enable" | "disable",
  name: string,
  options: MemberOptions,
  terminal: Terminal,
): Promise<void> {
  const { member, files, status } = await memberOfSkill(name, options);
  const disabled = files.disabled();
  const isChanged = disabled.includes(name) !== (verb === "disable");
  if (isChanged) {
    const act = { action: `skill.${verb}`, what: `${member} ${name}`, subnets: [member.split("/")[0] ?? ""] };
    await audited(options, terminal, act, async (tally) => {
      files.storeDisabled(verb === "disable" ? [...disabled, name] : disabled.filter((one) => one !== name));
      tally(1);
    });
  }
  const isInForce = status !== undefined && (await untilInForce(verb, name, member, options));
  if (options.json === true)
    return terminal.out(
      visibleJson({ member, skill: name, [`${verb}d`]: true, changed: isChanged, in_force: isInForce }),
    );
  terminal.out(`${verb}d ${name} of ${member}`);
  if (!isInForce) terminal.say(`the daemon of ${member} has not answered; it follows when it runs`);
}

async function untilInForce(
  verb: "enable" | "disable",
  name: string,
  member: string,
  { state }: MemberOptions,
): Promise<boolean> {
  const deadlineMs = Date.now() + IN_FORCE_MS;
  while (Date.now() < deadlineMs) {
    const [asked] = await skillsOfMembers({ state, as: member });
    const skill = asked?.skills.find((one) => one.name === name);
    if (skill !== undefined && (skill.state === "disabled") === (verb === "disable")) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}
