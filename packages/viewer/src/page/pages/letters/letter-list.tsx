import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Count, LetterRow, Letters } from "../../../api/letters.ts";
import { Link } from "../../app/navigate.tsx";
import { useIsOperator } from "../../app/session.ts";
import { Notice } from "../../parts/notice.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Text } from "../../parts/text.tsx";
import { When } from "../../parts/when.tsx";
import type { Wanted } from "./change-dialog.tsx";
import { ERROR_COLUMNS } from "./error-columns.tsx";
import type { Filter, FilterKey } from "./filter-query.ts";

const MAX_CHIPS = 8;

interface ListProps {
  readonly answer: Letters;
  readonly filter: Filter;
  readonly query: URLSearchParams;
  readonly onChange: (wanted: Wanted) => void;
}

/** Counts, the actions of an operator, and a page of rows. */
export function LetterList({ answer, filter, query, onChange }: ListProps): JSX.Element {
  const isOperator = useIsOperator();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const { rows, total, older, away, is_cut } = answer;
  // A row that is gone is not chosen any more.
  const places = rows.map(({ place }) => place).filter((place) => chosen.has(place));
  return (
    <>
      {away.map(({ of, reason }) => (
        <Notice key={of} kind="warning">{`${of} is left out: ${reason}`}</Notice>
      ))}
      {is_cut ? (
        <Notice kind="warning">
          There are more letters than are read at once, so the newest may be missing. Narrow them by subnet or
          time.
        </Notice>
      ) : null}
      <Totals answer={answer} filter={filter} />
      {isOperator && total > 0 ? (
        <Actions
          rows={rows}
          total={total}
          places={places}
          filter={filter}
          onChoose={setChosen}
          onChange={onChange}
        />
      ) : null}
      <div class="letters-rows">
        <Table
          caption="Dead letters"
          columns={columnsOf(filter, isOperator ? { chosen, setChosen } : undefined)}
          rows={rows}
          keyOf={({ place }) => place}
          empty={emptyText(filter, query)}
        />
      </div>
      <div class="row letters-pages">
        {query.get("before") === null ? null : (
          <Link to="/dead-letters" query={filter}>
            Newest
          </Link>
        )}
        {older === undefined ? null : (
          <Link to="/dead-letters" query={{ ...filter, before: older }}>
            Older
          </Link>
        )}
      </div>
    </>
  );
}

function emptyText(filter: Filter, query: URLSearchParams): string {
  if (query.get("before") !== null) return "There are no older dead letters.";
  if (Object.keys(filter).length > 0)
    return "No dead letter matches. Clear the filter to see all; adaos events failed lists past failures too.";
  return "There are no dead letters: every handler could handle its events. What a handler gives up appears here.";
}

function Totals({ answer, filter }: Pick<ListProps, "answer" | "filter">): JSX.Element {
  const { total, categories, events, types } = answer;
  return (
    <section class="letters-totals" aria-label="Counts">
      <strong>
        {total} dead letter{total === 1 ? "" : "s"}
      </strong>
      <Chips title="Category" counts={categories} name="category" filter={filter} />
      <Chips title="Event" counts={events} name="event" filter={filter} />
      <Chips title="Error" counts={types} name="type" filter={filter} />
    </section>
  );
}

interface ChipsProps {
  readonly title: string;
  readonly counts: readonly Count[];
  readonly name: FilterKey;
  readonly filter: Filter;
}

function Chips({ title, counts, name, filter }: ChipsProps): JSX.Element | null {
  if (counts.length === 0) return null;
  return (
    <span class="letters-chips">
      <span class="dim">{title}</span>
      {counts.slice(0, MAX_CHIPS).map(({ name: value, count }) => (
        <Link key={value} class="badge" to="/dead-letters" query={{ ...filter, [name]: value }}>
          <Text of={value === "" ? "none" : value} max={60} /> <b>{count}</b>
        </Link>
      ))}
      {counts.length > MAX_CHIPS ? <span class="dim">and {counts.length - MAX_CHIPS} more</span> : null}
    </span>
  );
}

interface ActionsProps {
  readonly rows: readonly LetterRow[];
  readonly total: number;
  readonly places: readonly string[];
  readonly filter: Filter;
  readonly onChoose: (places: ReadonlySet<string>) => void;
  readonly onChange: (wanted: Wanted) => void;
}

function Actions({ rows, total, places, filter, onChoose, onChange }: ActionsProps): JSX.Element {
  const isAll = places.length === rows.length && rows.length > 0;
  const some = places.length > 0;
  const what = some ? `${places.length} chosen` : `all ${total}`;
  const selection = some ? { filter, places } : { filter };
  return (
    <div class="row letters-actions">
      <label class="check">
        <input
          type="checkbox"
          checked={isAll}
          onChange={() => onChoose(isAll ? new Set() : new Set(rows.map(({ place }) => place)))}
        />
        Choose all of this page
      </label>
      <button type="button" class="main" onClick={() => onChange({ kind: "replay", ...selection })}>
        Replay {what} …
      </button>
      <button type="button" class="danger" onClick={() => onChange({ kind: "purge", ...selection })}>
        Delete {what} …
      </button>
    </div>
  );
}

interface Choice {
  readonly chosen: ReadonlySet<string>;
  readonly setChosen: (places: ReadonlySet<string>) => void;
}

function columnsOf(filter: Filter, choice: Choice | undefined): readonly Column<LetterRow>[] {
  const choose: readonly Column<LetterRow>[] =
    choice === undefined
      ? []
      : [{ title: "Choose", cell: ({ place }) => <ChooseBox place={place} {...choice} /> }];
  return [
    ...choose,
    {
      title: "Failed (UTC)",
      cell: ({ at, place }) => (
        <Link to="/dead-letters" query={{ ...filter, letter: place }} class="letters-time">
          <When at={at} />
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
    {
      title: "Event",
      cell: ({ event, is_run }) => (
        <>
          <Text of={event === "" ? "no event" : event} max={120} />
          {is_run ? <span class="badge">run</span> : null}
        </>
      ),
    },
    ...ERROR_COLUMNS,
    { title: "Deliveries", cell: ({ deliveries }) => deliveries, isNumber: true },
  ];
}

function ChooseBox({ place, chosen, setChosen }: Choice & { readonly place: string }): JSX.Element {
  const change = (): void => {
    const next = new Set(chosen);
    if (!next.delete(place)) next.add(place);
    setChosen(next);
  };
  return (
    <input type="checkbox" aria-label={`Choose ${place}`} checked={chosen.has(place)} onChange={change} />
  );
}
