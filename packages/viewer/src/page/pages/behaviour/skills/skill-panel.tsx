import type { JSX } from "preact";
import type { SkillList } from "../../../../api/behaviour.ts";
import { useAsk } from "../../../app/ask.ts";
import { useIsOperator } from "../../../app/session.ts";
import { Answered } from "../../../parts/answered.tsx";
import { type Fact, Facts } from "../../../parts/facts.tsx";
import { Notice } from "../../../parts/notice.tsx";
import { Text } from "../../../parts/text.tsx";
import { When } from "../../../parts/when.tsx";
import { StateBadge } from "../parts/state-badge.tsx";
import { ToldNotice, useTelling } from "../parts/told.tsx";
import { Trail } from "../parts/trail.tsx";
import { SkillActs } from "./skill-acts.tsx";
import { SkillLog } from "./skill-log.tsx";
import { memoryText, rowsOf, type SkillRow } from "./skill-rows.ts";

const EVERY_MS = 5000;

/** One skill: how it stands, and its log. */
export function SkillPanel({ name }: { readonly name: string }): JSX.Element {
  const asked = useAsk<SkillList>("/api/skills", {}, EVERY_MS);
  const telling = useTelling(asked.again);
  const isOperator = useIsOperator();
  return (
    <>
      <Trail to={[{ text: "Skills", query: { tab: "skills" } }]} here={name} />
      <ToldNotice telling={telling} />
      <Answered asked={asked}>
        {(list) => {
          const skill = rowsOf(list).find((one) => `${one.member}/${one.name}` === name);
          if (skill === undefined)
            return (
              <Notice kind="warning">
                No daemon that answers knows this skill. Its log may still be here.
              </Notice>
            );
          return (
            <>
              {skill.reason === null ? null : <Notice kind="error">{skill.reason}</Notice>}
              {isOperator ? <SkillActs skill={skill} telling={telling} /> : null}
              <Facts of={factsOf(skill)} />
            </>
          );
        }}
      </Answered>
      <SkillLog name={name} />
    </>
  );
}

function factsOf(skill: SkillRow): Fact[] {
  const list = (texts: readonly string[]): JSX.Element => <Text of={texts.join(", ") || "nothing"} />;
  return [
    [
      "State",
      <>
        <StateBadge of={skill.state} /> since <When at={skill.since} isFar />
      </>,
    ],
    ["Version", skill.version === null ? undefined : <Text of={skill.version} />],
    ["Restarts", skill.restarts],
    ["Process", skill.pid ?? undefined],
    ["Memory", memoryText(skill.memory_bytes)],
    ["Events in hand", skill.in_hand],
    ["Subscribes", list(skill.subscribe)],
    ["Publishes", list(skill.publish)],
    ["Durables", list(skill.durables)],
    ["Dropped log lines", skill.dropped_lines === 0 ? undefined : skill.dropped_lines],
    ["Folder", <Text of={skill.folder} />],
  ];
}
