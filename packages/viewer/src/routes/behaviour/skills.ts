import {
  isSwitched,
  memberOfSkill,
  parseSkillLogLine,
  skillLogLines,
  skillsOfMembers,
  storeSwitch,
  untilSwitched,
} from "@adaos/supervise";
import { z } from "zod";
import type { Changed, SkillList, SkillLogAnswer, SkillLogRow } from "../../api/behaviour.ts";
import { type AnyRoute, route } from "../../http/route.ts";
import { recorded } from "../changes.ts";
import { token } from "./names.ts";

/** Of a log, the newest bytes that are looked through. */
const MAX_READ_BYTES = 1_048_576;
/** A page asks every two seconds while it follows. */
const MAX_ANSWER_CHARS = 262_144;
const MAX_LINES = 500;
const LEVELS = ["debug", "info", "warn", "error"] as const;

const name = { subnet: token, node: token, skill: token };

export const SKILL_ROUTES: readonly AnyRoute[] = [
  route({
    method: "GET",
    path: "/api/skills",
    role: "viewer",
    input: z.strictObject({}),
    answer: async (_, context): Promise<SkillList> => ({ members: await skillsOfMembers(context.stateDir) }),
  }),
  route({
    method: "GET",
    path: "/api/skills/:subnet/:node/:skill/log",
    role: "viewer",
    input: z.strictObject({
      ...name,
      lines: z.coerce.number().int().min(1).max(MAX_LINES).default(200),
      level: z.enum(LEVELS).default("debug"),
    }),
    async answer({ subnet, node, skill, lines, level }, context): Promise<SkillLogAnswer> {
      const { files } = await memberOfSkill(skill, context.stateDir, `${subnet}/${node}`);
      return newestRows(skillLogLines(files.logFile(skill), MAX_READ_BYTES), lines, level);
    },
  }),
  route({
    method: "POST",
    path: "/api/skills/:subnet/:node/:skill/:act",
    role: "operator",
    input: z.strictObject({ ...name, act: z.enum(["enable", "disable"]) }),
    async answer({ subnet, node, skill, act }, context, caller): Promise<Changed> {
      const found = await memberOfSkill(skill, context.stateDir, `${subnet}/${node}`);
      const isChange = isSwitched(found, skill, act);
      if (isChange) {
        const what = { action: `skill.${act}`, what: `${found.member} ${skill}`, subnets: [subnet] };
        await recorded(context, caller, what, async (tally) => {
          storeSwitch(found, skill, act);
          tally(1);
        });
      }
      const isInForce = await untilSwitched(found, skill, act, context.stateDir);
      return { count: isChange ? 1 : 0, ...(isInForce ? {} : { kept: 1 }) };
    },
  }),
];

/** The newest lines of a level and above, oldest first, as many as one answer takes. Pure. */
export function newestRows(
  lines: readonly string[],
  count: number,
  level: (typeof LEVELS)[number],
): SkillLogAnswer {
  const least = LEVELS.indexOf(level);
  const rows: SkillLogRow[] = [];
  let chars = 0;
  for (const line of lines.toReversed()) {
    const row = parseSkillLogLine(line);
    if (row !== undefined && LEVELS.indexOf(row.level) < least) continue;
    chars += line.length;
    if (rows.length >= count || chars > MAX_ANSWER_CHARS) return { lines: rows.reverse(), is_cut: true };
    rows.push(row ?? { cut: line });
  }
  return { lines: rows.reverse(), is_cut: false };
}
