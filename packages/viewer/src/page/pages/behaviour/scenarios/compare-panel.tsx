import type { JSX } from "preact";
import type { ComparedScenarios, ScenarioList } from "../../../../api/behaviour.ts";
import { useAsk } from "../../../app/ask.ts";
import { Link, navigate, useAddress } from "../../../app/navigate.tsx";
import { Answered } from "../../../parts/answered.tsx";
import { type Column, Table } from "../../../parts/table.tsx";
import { Text } from "../../../parts/text.tsx";
import { When } from "../../../parts/when.tsx";
import { StateBadge } from "../parts/state-badge.tsx";
import { Trail } from "../parts/trail.tsx";
import { ComparedPair, type Pair } from "./compared-pair.tsx";

const PERIODS = [
  ["1", "the last hour"],
  ["24", "the last day"],
  ["168", "the last week"],
  ["8760", "the last year"],
] as const;

interface Asked {
  readonly live: string;
  readonly shadow: string;
  readonly hours: string;
  readonly pair?: string | undefined;
}

function show({ live, shadow, hours, pair }: Asked): void {
  navigate("/behaviour", { tab: "scenarios", live, shadow, hours, pair }, { replace: true });
}

/** Runs of a scenario beside those of its shadow, by their triggers. */
export function ComparePanel(): JSX.Element {
  const { query } = useAddress();
  const given: Asked = {
    live: query.get("live") ?? "",
    shadow: query.get("shadow") ?? "",
    hours: PERIODS.find(([hours]) => hours === query.get("hours"))?.[0] ?? "24",
  };
  const { live, shadow, hours } = given;
  const list = useAsk<ScenarioList>("/api/scenarios");
  const isWhole = live !== "" && shadow !== "" && live !== shadow;
  const asked = useAsk<ComparedScenarios>(isWhole ? "/api/compared-scenarios" : undefined, {
    live,
    shadow,
    hours,
  });
  const names = (list.answer?.scenarios ?? []).map(({ scenario }) => scenario);
  const pick = (label: string, value: string, change: (to: string) => Asked): JSX.Element => (
    <label>
      {label}
      <select value={value} onChange={({ currentTarget }) => show(change(currentTarget.value))}>
        {[...new Set([value, ...names])].filter(Boolean).map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <>
      <Trail to={[{ text: "Scenarios", query: { tab: "scenarios" } }]} here="Compare" />
      <div class="row">
        {pick("Live", live, (to) => ({ ...given, live: to }))}
        {pick("Shadow", shadow, (to) => ({ ...given, shadow: to }))}
        <label>
          Triggers of
          <select
            value={hours}
            onChange={({ currentTarget }) => show({ ...given, hours: currentTarget.value })}
          >
            {PERIODS.map(([one, title]) => (
              <option key={one} value={one}>
                {title}
              </option>
            ))}
          </select>
        </label>
        <button type="button" onClick={asked.again} disabled={!isWhole}>
          Compare again
        </button>
      </div>
      {isWhole ? (
        <Answered asked={asked}>
          {(answer) => <Pairs answer={answer} given={given} chosen={query.get("pair")} />}
        </Answered>
      ) : (
        <p class="dim">
          Choose two scenarios: one that publishes, and its copy with shadow: true in its file.
        </p>
      )}
    </>
  );
}

interface PairsProps {
  readonly answer: ComparedScenarios;
  readonly given: Asked;
  readonly chosen: string | null;
}

function Pairs({ answer: { pairs, is_cut }, given, chosen }: PairsProps): JSX.Element {
  const pair = pairs.find(({ trigger }) => trigger === chosen);
  const counts = new Map<string, number>();
  for (const { result } of pairs) counts.set(result, (counts.get(result) ?? 0) + 1);
  return (
    <>
      <ul class="counts" aria-label="Results">
        {[...counts].map(([result, count]) => (
          <li key={result}>
            <strong>{count}</strong> {result}
          </li>
        ))}
      </ul>
      {pair === undefined ? null : <ComparedPair pair={pair} />}
      <Table
        caption="Runs by trigger"
        columns={columnsOf(given)}
        rows={pairs}
        keyOf={({ trigger }) => trigger}
        empty="Neither has a run of that time. A shadow is a copy with another name and shadow: true in its file."
      />
      {is_cut ? <p class="dim">There are more; adaos scenario compare has all.</p> : null}
    </>
  );
}

function columnsOf(given: Asked): readonly Column<Pair>[] {
  return [
    { title: "At", cell: ({ at }) => <When at={at} isFar /> },
    {
      title: "Trigger",
      cell: ({ trigger, live, shadow }) =>
        live === undefined || shadow === undefined ? (
          <Text of={trigger} max={80} />
        ) : (
          <Link to="/behaviour" query={{ tab: "scenarios", ...given, pair: trigger }} class="mono">
            <Text of={trigger} max={80} />
          </Link>
        ),
    },
    { title: "Result", cell: ({ result }) => <StateBadge of={result} /> },
    { title: "Live", cell: ({ live }) => <RunLink id={live} /> },
    { title: "Shadow", cell: ({ shadow }) => <RunLink id={shadow} /> },
    {
      title: "Difference",
      cell: ({ step, why }) => (
        <>
          {step === undefined ? null : (
            <code>
              <Text of={step} />{" "}
            </code>
          )}
          {why === undefined ? null : <Text of={why} max={300} />}
        </>
      ),
    },
  ];
}

export function RunLink({ id }: { readonly id: string | undefined }): JSX.Element {
  if (id === undefined) return <span class="dim">none</span>;
  return (
    <Link to="/behaviour" query={{ tab: "scenarios", run: id }} class="mono">
      <Text of={id} />
    </Link>
  );
}
