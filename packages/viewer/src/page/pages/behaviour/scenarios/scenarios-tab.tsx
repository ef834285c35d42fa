import type { JSX } from "preact";
import type { ScenarioList, ScenarioRow } from "../../../../api/behaviour.ts";
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
import { RunPanel } from "../runs/run-panel.tsx";
import { ComparePanel } from "./compare-panel.tsx";
import { SwitchAct } from "./scenario-acts.tsx";
import { ScenarioPanel } from "./scenario-panel.tsx";

const EVERY_MS = 5000;

export function ScenariosTab(): JSX.Element {
  const { query } = useAddress();
  const [run, scenario] = [query.get("run"), query.get("scenario")];
  if (run !== null) return <RunPanel id={run} />;
  if (query.get("live") !== null) return <ComparePanel />;
  return scenario === null ? <AllScenarios /> : <ScenarioPanel name={scenario} />;
}

function AllScenarios(): JSX.Element {
  const asked = useAsk<ScenarioList>("/api/scenarios", {}, EVERY_MS);
  const telling = useTelling(asked.again);
  const isOperator = useIsOperator();
  return (
    <>
      <ToldNotice telling={telling} />
      <Answered asked={asked}>
        {({ scenarios, problems, is_cut, away }) => (
          <>
            {away.map(({ of, reason }) => (
              <Notice key={of} kind="warning">{`The hub of ${of} is left out: ${reason}.`}</Notice>
            ))}
            {problems.map(({ member, problem }) => (
              <Notice key={`${member} ${problem}`} kind="warning">{`${member}: ${problem}`}</Notice>
            ))}
            <Table
              caption="Scenarios"
              columns={isOperator ? [...COLUMNS, actsColumn(telling)] : COLUMNS}
              rows={scenarios}
              keyOf={({ scenario }) => scenario}
              empty="No member has run a scenario. Begin one with adaos scenario new, and name its folder in mesh.yaml: members.<m>.scenarios"
            />
            {is_cut ? <p class="dim">There are more scenarios; adaos scenario list has all.</p> : null}
            {scenarios.length < 2 ? null : (
              <p>
                <Link to="/behaviour" query={compareQuery(scenarios)}>
                  Compare a scenario with its shadow
                </Link>
              </p>
            )}
          </>
        )}
      </Answered>
    </>
  );
}

/** The first shadow beside a scenario that is none, preferably one whose name it continues. */
function compareQuery(scenarios: readonly ScenarioRow[]): Readonly<Record<string, string>> {
  const shadow = scenarios.find(({ file }) => file?.shadow === true) ?? scenarios[1];
  const lives = scenarios.filter((one) => one !== shadow);
  const live = lives.find(({ scenario }) => shadow?.scenario.startsWith(scenario) === true) ?? lives[0];
  return { tab: "scenarios", live: live?.scenario ?? "", shadow: shadow?.scenario ?? "" };
}

const COLUMNS: readonly Column<ScenarioRow>[] = [
  { title: "Scenario", cell: (row) => <NameCell row={row} /> },
  {
    title: "State",
    cell: ({ state }) => <StateBadge of={state} word={state === "not-run" ? "never run" : state} />,
  },
  {
    title: "Mode",
    cell: ({ file }) => (file === undefined ? "–" : `${file.mode}${file.shadow ? ", shadow" : ""}`),
  },
  { title: "Runs now", cell: ({ active }) => active, isNumber: true },
  { title: "Waiting", cell: ({ waiting }) => waiting, isNumber: true },
  { title: "Next", cell: ({ next_at }) => (next_at === undefined ? "–" : <When at={next_at} isFar />) },
  {
    title: "Last run",
    cell: ({ last }) =>
      last === undefined ? (
        "never"
      ) : (
        <Link to="/behaviour" query={{ tab: "scenarios", run: last.run }} class="nowrap">
          <StateBadge of={last.outcome} /> <When at={last.ended_at} isFar />
        </Link>
      ),
  },
];

function NameCell({
  row: { scenario, errors, trouble, asked, file },
}: {
  readonly row: ScenarioRow;
}): JSX.Element {
  return (
    <>
      <Link to="/behaviour" query={{ tab: "scenarios", scenario }}>
        <Text of={scenario} />
      </Link>
      {file?.description === undefined ? null : (
        <div class="dim small">
          <Text of={file.description} max={160} />
        </div>
      )}
      {[...errors, ...(trouble === undefined ? [] : [trouble])].map((problem) => (
        <div key={problem} class="error small">
          <Text of={problem} max={400} />
        </div>
      ))}
      {asked === 0 ? null : <div class="warning small">{asked} kept until its member's daemon takes it</div>}
    </>
  );
}

function actsColumn(telling: Telling): Column<ScenarioRow> {
  return {
    title: "Change",
    cell: (row) =>
      row.hash === undefined ? null : (
        <span class="acts">
          <SwitchAct row={row} telling={telling} />
        </span>
      ),
  };
}
