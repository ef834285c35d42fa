import type { JSX } from "preact";
import type { ScenarioDetail } from "../../../../api/behaviour.ts";
import { useAsk } from "../../../app/ask.ts";
import { Link, useAddress } from "../../../app/navigate.tsx";
import { useIsOperator } from "../../../app/session.ts";
import { Answered } from "../../../parts/answered.tsx";
import { type Fact, Facts } from "../../../parts/facts.tsx";
import { Notice } from "../../../parts/notice.tsx";
import { Text } from "../../../parts/text.tsx";
import { When } from "../../../parts/when.tsx";
import { SourceView } from "../parts/source-view.tsx";
import { StateBadge } from "../parts/state-badge.tsx";
import { ToldNotice, useTelling } from "../parts/told.tsx";
import { Trail } from "../parts/trail.tsx";
import { RunsTable } from "../runs/runs-table.tsx";
import { SkipsTable } from "../runs/skips-table.tsx";
import { ScenarioActs } from "./scenario-acts.tsx";

const EVERY_MS = 3000;
const VIEWS = [
  ["runs", "Runs"],
  ["skips", "Why it did not run"],
  ["text", "File"],
] as const;

/** One scenario: how it stands, its runs, what did not run, and its file. */
export function ScenarioPanel({ name }: { readonly name: string }): JSX.Element {
  const asked = useAsk<ScenarioDetail>(pathOfScenario(name), {}, EVERY_MS);
  const telling = useTelling(asked.again);
  const isOperator = useIsOperator();
  return (
    <>
      <Trail to={[{ text: "Scenarios", query: { tab: "scenarios" } }]} here={name} />
      <ToldNotice telling={telling} />
      <Answered asked={asked}>
        {(detail) => (
          <>
            {detail.row.errors.map((error) => (
              <Notice key={error} kind="error">{`The file is not taken: ${error}`}</Notice>
            ))}
            {detail.row.trouble === undefined ? null : <Notice kind="error">{detail.row.trouble}</Notice>}
            {isOperator && detail.stand !== undefined ? (
              <ScenarioActs row={detail.row} telling={telling} />
            ) : null}
            <Stand detail={detail} />
            <Views name={name} detail={detail} />
          </>
        )}
      </Answered>
    </>
  );
}

function pathOfScenario(name: string): string {
  return `/api/scenarios/${name.split("/").map(encodeURIComponent).join("/")}`;
}

function Stand({ detail: { row, stand, starts } }: { readonly detail: ScenarioDetail }): JSX.Element {
  const facts: Fact[] = [
    [
      "State",
      <StateBadge key="state" of={row.state} word={row.state === "not-run" ? "never run" : row.state} />,
    ],
    [
      "Mode",
      row.file === undefined
        ? undefined
        : `${row.file.mode}${row.file.shadow ? ", shadow: it publishes nothing" : ""}`,
    ],
    ["Starts with", starts.length === 0 ? undefined : <StartList key="starts" starts={starts} />],
    ["Next", row.next_at === undefined ? undefined : <When key="next" at={row.next_at} isFar />],
    ["Now", stand === undefined ? "No daemon has run it yet." : <Sentences key="now" of={stand.sentences} />],
    [
      "Command",
      stand === undefined ? undefined : (
        <code key="command">
          <Text of={stand.next} />
        </code>
      ),
    ],
  ];
  return <Facts of={facts} />;
}

function StartList({ starts }: { readonly starts: readonly string[] }): JSX.Element {
  return (
    <ul class="plain">
      {starts.map((start) => (
        <li key={start}>
          <Text of={start} />
        </li>
      ))}
    </ul>
  );
}

function Sentences({ of }: { readonly of: readonly string[] }): JSX.Element {
  return <Text of={of.join(" ") || "It waits."} />;
}

function Views({ name, detail }: { readonly name: string; readonly detail: ScenarioDetail }): JSX.Element {
  const asked = useAddress().query.get("view");
  const [view] = VIEWS.find(([one]) => one === asked) ?? VIEWS[0];
  return (
    <>
      <nav class="tabs inner" aria-label="Of this scenario">
        {VIEWS.map(([one, title]) => (
          <Link
            key={one}
            to="/behaviour"
            query={{ tab: "scenarios", scenario: name, view: one }}
            isCurrent={one === view}
          >
            {title}
          </Link>
        ))}
      </nav>
      {view === "runs" ? <RunsTable runs={detail.runs} scenario={name} /> : null}
      {view === "skips" ? <SkipsTable skips={detail.skips} counts={detail.skip_counts} /> : null}
      {view === "text" ? <File detail={detail} /> : null}
    </>
  );
}

function File({ detail: { text, row } }: { readonly detail: ScenarioDetail }): JSX.Element {
  if (text === undefined)
    return (
      <p class="dim">
        The text in force is not known here: its file is on another machine or has changed, and no run of it
        is kept.
      </p>
    );
  return (
    <>
      <p class="dim">
        {row.state === "not-run" || row.hash === undefined
          ? "As its file is; no daemon has taken it."
          : "As it is in force."}
      </p>
      <SourceView text={text} label="Text of the scenario" />
    </>
  );
}
