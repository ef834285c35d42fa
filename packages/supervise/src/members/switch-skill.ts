import { delay } from "@adaos/core/wire";
import { type SkillOfMember, skillsOfMembers } from "./member-skills.ts";

/** Whether a skill is to run. */
export type SkillSwitch = "enable" | "disable";

/** The daemon looks every second. */
const IN_FORCE_MS = 10_000;
const LOOK_MS = 100;

/** Whether the switch of a skill is another than it is now. */
export function isSwitched({ files }: SkillOfMember, name: string, to: SkillSwitch): boolean {
  return files.disabled().includes(name) !== (to === "disable");
}

/** Writes the switch of a skill for its member's daemon, which follows within seconds. */
export function storeSwitch({ files }: SkillOfMember, name: string, to: SkillSwitch): void {
  const disabled = files.disabled();
  files.storeDisabled(to === "disable" ? [...disabled, name] : disabled.filter((one) => one !== name));
}

/** Waits until the daemon has followed. Returns whether it has; at once where it does not run. */
export async function untilSwitched(
  { member, status }: SkillOfMember,
  name: string,
  to: SkillSwitch,
  stateDir: string,
): Promise<boolean> {
  if (status === undefined) return false;
  const deadlineMs = Date.now() + IN_FORCE_MS;
  while (Date.now() < deadlineMs) {
    const [asked] = await skillsOfMembers(stateDir, member);
    const skill = asked?.skills.find((one) => one.name === name);
    if (skill !== undefined && (skill.state === "disabled") === (to === "disable")) return true;
    await delay(LOOK_MS);
  }
  return false;
}
