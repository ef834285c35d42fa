import type { JSX } from "preact";
import type { ScenarioDetail } from "../../../../api/behaviour.ts";
import { Link, navigate, useAddress } from "../../../app/navigate.tsx";
import { spanText } from "../../../parts/spans.ts";
import { type Column, Table } from "../../../parts/table.tsx";
import { Text } from "../../../parts/text.tsx";
import { When } from "../../../parts/when.tsx";
import { StateBadge } from "../parts/state-badge.tsx";

type Run = ScenarioDetail["runs"][number];

const KINDS = [
  ["all", "all"],
  ["active", "under way"],
  ["failed", "failed"],
] as const;

/** The runs of one scenario, newest first. */
export function RunsTable({
  runs,
  scenario,
}: {
  readonly runs: readonly Run[];
  readonly scenario: string;
}): JSX.Element {
  const asked = useAddress().query.get("kind");
  const [kind] = KINDS.find(([one]) => one === asked) ?? KINDS[0];
  const shown = runs.filter(({ outcome }) => isOf(kind, outcome));
  const show = (one: string): void =>
    navigate(
      "/behaviour",
      { tab: "scenarios", scenario, view: "runs", kind: one === "all" ? undefined : one },
      { replace: true },
    );
  return (
    <>
      <div class="row">
        <label>
          Runs
          <select value={kind} onChange={({ currentTarget }) => show(currentTarget.value)}>
            {KINDS.map(([one, title]) => (
              <option key={one} value={one}>
                {title}
              </option>
            ))}
          </select>
        </label>
        <span class="dim">{countsText(runs)}; a hub keeps the last 100 that ended well, and 100 others</span>
      </div>
      <Table
        caption="Runs"
        columns={COLUMNS}
        rows={shown}
        keyOf={({ id }) => id}
        empty={
          kind === "all"
            ? "No run of it is recorded. Start one with adaos scenario run."
            : "No run of it is so."
        }
      />
    </>
  );
}

/** `12 succeeded, 1 failed`. Pure. */
function countsText(runs: readonly Run[]): string {
  const counts = new Map<string, number>();
  for (const { outcome } of runs) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const texts = [...counts].map(
    ([outcome, count]) => `${count} ${outcome === "active" ? "under way" : outcome}`,
  );
  return texts.length === 0 ? "none" : texts.join(", ");
}

function isOf(kind: (typeof KINDS)[number][0], outcome: Run["outcome"]): boolean {
  if (kind === "active") return outcome === "active";
  return kind === "all" || outcome === "failed" || outcome === "loop";
}

const COLUMNS: readonly Column<Run>[] = [
  {
    title: "Run",
    cell: ({ id }) => (
      <Link to="/behaviour" query={{ tab: "scenarios", run: id }} class="mono">
        <Text of={id} max={60} />
      </Link>
    ),
  },
  {
    title: "Outcome",
    cell: ({ outcome, shadow }) => (
      <>
        <StateBadge of={outcome} word={outcome === "active" ? "under way" : outcome} />
        {shadow ? <span class="dim"> shadow</span> : null}
      </>
    ),
  },
  { title: "Started", cell: ({ started_at }) => <When at={started_at} isFar /> },
  { title: "Length", cell: ({ duration_ms }) => spanText(duration_ms), isNumber: true },
  { title: "Trigger", cell: ({ trigger }) => <TriggerText trigger={trigger} /> },
  { title: "Why", cell: (run) => <WhyText run={run} /> },
];

/** `event ui.notify@1`, `timer weekdays`, `by hand`. */
export function TriggerText({ trigger }: { readonly trigger: Run["trigger"] }): JSX.Element {
  const { kind, id, event, event_id } = trigger;
  const words = kind === "run" ? "by hand" : [kind, id, event].filter((word) => word !== undefined).join(" ");
  if (event_id === undefined || kind === "run") return <Text of={words} max={200} />;
  return (
    <Link to="/event" query={{ id: event_id }} title="Show the event">
      <Text of={words} max={200} />
    </Link>
  );
}

function WhyText({ run: { reason, now } }: { readonly run: Run }): JSX.Element | null {
  if (reason !== undefined) return <Text of={reason} max={200} />;
  if (now === undefined) return null;
  return (
    <>
      at{" "}
      <code>
        <Text of={now.step} />
      </code>{" "}
      ({now.doing}
      {now.until === undefined ? null : (
        <>
          {" "}
          until <When at={now.until} isFar />
        </>
      )}
      )
    </>
  );
}
