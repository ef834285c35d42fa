import type { JSX } from "preact";
import type { SkillList } from "../../../../api/behaviour.ts";
import { useAsk } from "../../../app/ask.ts";
import { Link, useAddress } from "../../../app/navigate.tsx";
import { useIsOperator } from "../../../app/session.ts";
import { Answered } from "../../../parts/answered.tsx";
import { Notice } from "../../../parts/notice.tsx";
import { type Column, Table } from "../../../parts/table.tsx";
import { Text } from "../../../parts/text.tsx";
import { When } from "../../../parts/when.tsx";
import { StateBadge } from "../parts/state-badge.tsx";
import { type Telling, ToldNotice, useTelling } from "../parts/told.tsx";
import { SkillActs } from "./skill-acts.tsx";
import { SkillPanel } from "./skill-panel.tsx";
import { memoryText, rowsOf, type SkillRow } from "./skill-rows.ts";

const EVERY_MS = 5000;

export function SkillsTab(): JSX.Element {
  const skill = useAddress().query.get("skill");
  return skill === null ? <AllSkills /> : <SkillPanel name={skill} />;
}

function AllSkills(): JSX.Element {
  const asked = useAsk<SkillList>("/api/skills", {}, EVERY_MS);
  const telling = useTelling(asked.again);
  const isOperator = useIsOperator();
  return (
    <>
      <ToldNotice telling={telling} />
      <Answered asked={asked}>
        {(list) => (
          <>
            {list.members.flatMap(({ node, problems, away }) =>
              [...problems, ...(away === undefined ? [] : [`its daemon ${away}`])].map((problem) => (
                <Notice key={`${node} ${problem}`} kind="warning">{`${node}: ${problem}`}</Notice>
              )),
            )}
            <Table
              caption="Skills"
              columns={isOperator ? [...COLUMNS, actsColumn(telling)] : COLUMNS}
              rows={rowsOf(list)}
              keyOf={({ member, name }) => `${member}/${name}`}
              empty="No member of this machine has a skill. Name their folders in mesh.yaml: members.<m>.skills"
            />
          </>
        )}
      </Answered>
    </>
  );
}

const COLUMNS: readonly Column<SkillRow>[] = [
  {
    title: "Skill",
    cell: ({ member, name }) => (
      <Link to="/behaviour" query={{ tab: "skills", skill: `${member}/${name}` }}>
        <Text of={`${member}/${name}`} />
      </Link>
    ),
  },
  { title: "Version", cell: ({ version }) => (version === null ? "–" : <Text of={version} max={40} />) },
  { title: "State", cell: ({ state }) => <StateBadge of={state} /> },
  { title: "Since", cell: ({ since }) => <When at={since} isFar /> },
  { title: "Restarts", cell: ({ restarts }) => restarts, isNumber: true },
  { title: "Memory", cell: ({ memory_bytes }) => memoryText(memory_bytes), isNumber: true },
  {
    title: "Subscribes",
    cell: ({ subscribe }) => (subscribe.length === 0 ? "–" : <Text of={subscribe.join(", ")} max={200} />),
  },
  {
    title: "What fails",
    cell: ({ reason }) =>
      reason === null ? (
        "–"
      ) : (
        <span class="error">
          <Text of={reason} max={300} />
        </span>
      ),
  },
];

function actsColumn(telling: Telling): Column<SkillRow> {
  return { title: "Change", cell: (skill) => <SkillActs skill={skill} telling={telling} /> };
}
