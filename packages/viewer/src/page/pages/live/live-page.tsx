import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { navigate, useAddress } from "../../app/navigate.tsx";
import { useSession } from "../../app/session.ts";
import { VirtualList } from "../../parts/list/virtual-list.tsx";
import { Notice } from "../../parts/notice.tsx";
import { Text } from "../../parts/text.tsx";
import { EventDetail } from "./event-detail.tsx";
import { FilterBar } from "./filter-bar.tsx";
import { feedQuery, filtersOf, isUnfiltered, type LiveFilters, NO_FILTERS } from "./live-filters.ts";
import type { LiveRow } from "./live-window.ts";
import { type Live, useLive } from "./use-live.ts";
import "./live.css";

const WIDE_ROW_PX = 28;
/** Two lines. */
const NARROW_ROW_PX = 46;
const NARROW = "(max-width: 45rem)";

/** Events of the mesh as they are stored, newest first, and one of them beside the list. */
export function LivePage(): JSX.Element {
  const { query } = useAddress();
  const filters = filtersOf(query);
  const selected = query.get("selected") ?? undefined;
  const live = useLive(feedQuery(filters));
  const [toTop, setToTop] = useState(0);
  const show = (changed: LiveFilters, key: string | undefined): void =>
    navigate("/live", { ...changed, selected: key }, { replace: true });
  const row = live.rows.find(({ key }) => key === selected);
  const resume = (): void => {
    live.resume();
    setToTop((count) => count + 1);
  };
  return (
    <div class="live">
      <FilterBar filters={filters} onChange={(changed) => show(changed, undefined)} />
      <LiveBar
        live={live}
        onResume={resume}
        {...(isUnfiltered(filters)
          ? {}
          : { onUnfilter: () => show({ ...NO_FILTERS, since: filters.since }, undefined) })}
      />
      <Notices live={live} />
      <div class="live-body">
        <EventList
          live={live}
          filters={filters}
          selected={selected}
          toTop={toTop}
          onSelect={(key) => {
            // A row that somebody reads must not run away.
            live.pause();
            show(filters, key);
          }}
        />
        {selected === undefined ? null : (
          <EventDetail
            key={selected}
            row={row}
            id={selected.split("/").at(-1) ?? ""}
            onFilter={(changed) => show({ ...filters, ...changed }, undefined)}
            onClose={() => show(filters, undefined)}
          />
        )}
      </div>
    </div>
  );
}

interface LiveBarProps {
  readonly live: Live;
  readonly onResume: () => void;
  /** Left out when nothing is filtered. */
  readonly onUnfilter?: () => void;
}

function LiveBar({ live, onResume, onUnfilter }: LiveBarProps): JSX.Element {
  const { isPaused, newCount, rows, sampled, state } = live;
  return (
    <div class="live-bar">
      <button type="button" class={isPaused ? "main" : undefined} onClick={isPaused ? onResume : live.pause}>
        {isPaused ? `Resume (${newCount.toLocaleString("en")} new)` : "Pause"}
      </button>
      <button type="button" onClick={live.clear} disabled={rows.length === 0}>
        Clear list
      </button>
      {onUnfilter === undefined ? null : (
        <button type="button" onClick={onUnfilter}>
          Clear filters
        </button>
      )}
      <span class={`badge ${state.kind === "open" ? "good" : "warning"}`}>{STATES[state.kind]}</span>
      <span class="dim">{rows.length.toLocaleString("en")} events</span>
      {sampled === undefined ? null : (
        <span class="warning">
          showing {sampled.sent.toLocaleString("en")} of {sampled.matched.toLocaleString("en")} events/s
        </span>
      )}
    </div>
  );
}

const STATES: Readonly<Record<Live["state"]["kind"], string>> = {
  connecting: "connecting",
  open: "live",
  waiting: "reconnecting",
  ended: "ended",
};

function Notices({ live }: { readonly live: Live }): JSX.Element {
  const { away, notes, state } = live;
  return (
    <>
      {state.kind === "ended" ? (
        <Notice kind="error" onRetry={live.retry}>
          {state.reason}
        </Notice>
      ) : null}
      {state.kind === "waiting" ? <Notice kind="warning">{`${state.reason}; trying again`}</Notice> : null}
      {away.map(([at, reason]) => (
        <Notice key={at} kind="warning">
          {`${at} does not answer (${reason}); its events follow once it does`}
        </Notice>
      ))}
      {notes.map((note) => (
        <Notice key={note} kind="warning">
          {note}
        </Notice>
      ))}
    </>
  );
}

function NoEvents({ filters }: { readonly filters: LiveFilters }): JSX.Element {
  if (useSession().places.length === 0)
    return (
      <p class="dim live-list">
        No stream is on this machine. Open the viewer of the machine where the hub of its subnet runs.
      </p>
    );
  return (
    <p class="dim live-list">
      {isUnfiltered(filters)
        ? "Nothing has been stored since this page was opened. "
        : "Nothing that these filters take has been stored since this page was opened. "}
      This stores an event:{" "}
      <code>
        adaos events publish ui.notify --data '{"{"}"text":"Hello"{"}"}' --as alpha/kitchen
      </code>
    </p>
  );
}

interface EventListProps {
  readonly live: Live;
  readonly filters: LiveFilters;
  readonly selected: string | undefined;
  readonly toTop: number;
  readonly onSelect: (key: string) => void;
}

function EventList({ live, filters, selected, toTop, onSelect }: EventListProps): JSX.Element {
  const { rows } = live;
  const rowPx = useMedia(NARROW) ? NARROW_ROW_PX : WIDE_ROW_PX;
  if (rows.length === 0) return <NoEvents filters={filters} />;
  return (
    <div class="live-list">
      <div class="live-head" aria-hidden="true">
        <span>Stored</span>
        <span>Stream</span>
        <span>Origin</span>
        <span>Event</span>
        <span>Data</span>
      </div>
      <VirtualList
        label="Events, newest first"
        count={rows.length}
        rowPx={rowPx}
        keyOf={(index) => rows[index]?.key ?? ""}
        row={(index) => <EventRow row={rows[index]} />}
        selected={selected}
        onSelect={(index) => onSelect(rows[index]?.key ?? "")}
        onTop={(isAtTop) => isAtTop || live.pause()}
        toTop={toTop}
      />
    </div>
  );
}

/** Drawn once: rows move at each frame, and what they show never changes. */
function EventRow({ row }: { readonly row: LiveRow | undefined }): JSX.Element | null {
  return useMemo(() => (row === undefined ? null : cellsOf(row)), [row]);
}

function cellsOf({ event, kind, line }: LiveRow): JSX.Element {
  return (
    <>
      <time dateTime={event.stored}>{timeOf(event.stored)}</time>
      <span class="live-at">{event.at}</span>
      <span class="live-origin">{event.origin}</span>
      <span class="live-kind">
        <Text of={kind} />
      </span>
      <span class="live-data mono">
        <Text of={line} max={301} />
      </span>
    </>
  );
}

/** `14:05:09.123`, of this machine's zone. */
function timeOf(stored: string): string {
  const at = new Date(stored);
  const two = (value: number): string => String(value).padStart(2, "0");
  const ms = String(at.getMilliseconds()).padStart(3, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${ms}`;
}

function useMedia(query: string): boolean {
  const [isSo, setIsSo] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const changed = (): void => setIsSo(media.matches);
    media.addEventListener("change", changed);
    return () => media.removeEventListener("change", changed);
  }, [query]);
  return isSo;
}
