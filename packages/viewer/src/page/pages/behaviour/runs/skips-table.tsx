import type { JSX } from "preact";
import type { ScenarioDetail } from "../../../../api/behaviour.ts";
import { type Column, Table } from "../../../parts/table.tsx";
import { Text } from "../../../parts/text.tsx";
import { When } from "../../../parts/when.tsx";
import { Conditions } from "./conditions.tsx";
import { TriggerText } from "./runs-table.tsx";

type Skip = ScenarioDetail["skips"][number];

/** Triggers that have started nothing, with the cause and what the conditions saw. */
export function SkipsTable({
  skips,
  counts,
}: {
  readonly skips: readonly Skip[];
  readonly counts: ScenarioDetail["skip_counts"];
}): JSX.Element {
  const all = Object.entries(counts);
  return (
    <>
      {all.length === 0 ? null : (
        <ul class="counts" aria-label="How often, by cause">
          {all.map(([cause, count]) => (
            <li key={cause}>
              <strong>{count}</strong> {cause}
            </li>
          ))}
        </ul>
      )}
      <Table
        caption="What did not run"
        columns={COLUMNS}
        rows={skips}
        keyOf={({ at, reason, trigger }) => `${at} ${trigger.event_id ?? trigger.at} ${reason}`}
        empty="Nothing is recorded that did not run: every trigger has started a run, or none came."
      />
    </>
  );
}

const COLUMNS: readonly Column<Skip>[] = [
  { title: "At", cell: ({ at }) => <When at={at} isFar /> },
  { title: "Cause", cell: ({ cause }) => <span class="badge">{cause}</span> },
  { title: "Trigger", cell: ({ trigger }) => <TriggerText trigger={trigger} /> },
  {
    title: "Why",
    cell: ({ reason, conditions }) => (
      <>
        <Text of={reason} max={400} />
        <Conditions of={conditions} />
      </>
    ),
  },
];
