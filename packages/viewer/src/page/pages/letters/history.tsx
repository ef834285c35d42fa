import type { JSX } from "preact";
import type { FailureRow, Failures } from "../../../api/letters.ts";
import { useAsk } from "../../app/ask.ts";
import { Link } from "../../app/navigate.tsx";
import { Answered } from "../../parts/answered.tsx";
import { Notice } from "../../parts/notice.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Text } from "../../parts/text.tsx";
import { When } from "../../parts/when.tsx";
import { ERROR_COLUMNS } from "./error-columns.tsx";
import type { Filter } from "./filter-query.ts";

/** Failures of the past, replayed or not, and how their replays have ended. */
export function History({ filter }: { readonly filter: Filter }): JSX.Element {
  const asked = useAsk<Failures>("/api/dead-letters/failures", filter);
  return (
    <Answered asked={asked}>
      {({ rows, total, away, is_cut }) => (
        <>
          {away.map(({ of, reason }) => (
            <Notice key={of} kind="warning">{`${of} is left out: ${reason}`}</Notice>
          ))}
          {is_cut ? (
            <Notice kind="warning">
              There are more records than are read at once. Narrow them by subnet.
            </Notice>
          ) : null}
          <p>
            <strong>{total} failed for good</strong>
            {total > rows.length ? (
              <span class="dim">, of which these are the newest {rows.length}</span>
            ) : null}
          </p>
          <div class="letters-rows">
            <Table
              caption="Past failures"
              columns={COLUMNS}
              rows={rows}
              keyOf={({ key }) => key}
              empty="No failure is recorded. What a handler gives up is recorded here, and stays when its letter is replayed."
            />
          </div>
        </>
      )}
    </Answered>
  );
}

const COLUMNS: readonly Column<FailureRow>[] = [
  {
    title: "Failed (UTC)",
    cell: ({ at }) => (
      <span class="letters-time">
        <When at={at} />
      </span>
    ),
  },
  {
    title: "Event",
    cell: ({ event, event_id }) => (
      <Link to="/event" query={{ id: event_id }}>
        <Text of={event === "" ? "no event" : event} max={120} />
      </Link>
    ),
  },
  {
    title: "Handler",
    cell: ({ node, durable }) => (
      <span class="letters-name">
        <Text of={node} max={130} /> <span class="dim">·</span> <Text of={durable} max={64} />
      </span>
    ),
  },
  ...ERROR_COLUMNS,
  { title: "Replay", cell: ({ replay }) => <ReplayOf replay={replay} /> },
];

/** What the record of a replay says; none is kept of one that its handler took at once. */
const OUTCOMES: Readonly<Record<string, string>> = {
  "": "no failure since",
  success: "succeeded after a retry",
  failed: "failed again",
  dead_letter: "failed again",
  retrying: "is retried",
  pending: "is under way",
};

function ReplayOf({ replay }: { readonly replay: FailureRow["replay"] }): JSX.Element {
  if (replay === undefined) return <span class="dim">not replayed</span>;
  const { event_id, outcome } = replay;
  const isBad = outcome === "failed" || outcome === "dead_letter";
  return (
    <Link to="/event" query={{ id: event_id }} class={`letters-name ${isBad ? "error" : "good"}`}>
      {OUTCOMES[outcome] ?? outcome}
    </Link>
  );
}
