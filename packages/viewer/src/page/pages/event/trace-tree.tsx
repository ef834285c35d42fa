import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { EventTrace } from "../../../api/event.ts";
import { Link } from "../../app/navigate.tsx";
import { Scroll } from "../../parts/scroll.tsx";
import { tookText } from "../../parts/spans.ts";
import { Text } from "../../parts/text.tsx";
import { extentOf, type TraceRow, traceRows } from "./trace-rows.ts";

/** More rows than this make a page slow, and nobody reads them. */
const MAX_ROWS = 1000;
const MAX_INDENT = 12;
const BAR_WIDTH = 1000;
/** Narrower ones are not seen. */
const MIN_BAR = 6;

interface TraceTreeProps {
  readonly of: EventTrace["trace"];
  readonly id: string;
  /** The event that is shown below. */
  readonly selected: string;
}

/** The events of a trace as a tree with a time bar. Arrow keys move between rows, and fold and unfold them. */
export function TraceTree({ of: trace, id, selected }: TraceTreeProps): JSX.Element {
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const all = useMemo(() => traceRows(trace, new Set()), [trace]);
  const rows = useMemo(() => traceRows(trace, folded), [trace, folded]);
  const extent = useMemo(() => extentOf(all), [all]);
  const fold = (key: string, isOpen: boolean): void => {
    const next = new Set(folded);
    if (isOpen) next.delete(key);
    else next.add(key);
    setFolded(next);
  };
  const events = all.filter(({ kind }) => kind === "event").map(({ key }) => key);
  return (
    <>
      <div class="row">
        <button type="button" class="small" onClick={() => setFolded(new Set(events))}>
          Fold all
        </button>
        <button type="button" class="small" onClick={() => setFolded(new Set())}>
          Unfold all
        </button>
        <span class="dim">
          {trace.events} event{trace.events === 1 ? "" : "s"} in {tookText(extent.endMs - extent.startMs)}
        </span>
      </div>
      <Scroll label="Trace">
        <table class="trace" onKeyDown={(event) => keyPressed(event, fold)}>
          <caption class="heard">Events of this trace, what caused what, and when</caption>
          <thead>
            <tr>
              <th scope="col">What happened</th>
              <th scope="col" class="number">
                At
              </th>
              <th scope="col" class="number">
                Took
              </th>
              <th scope="col" class="times">
                Time
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, MAX_ROWS).map((row) => (
              <Row key={row.key} {...{ row, extent, id, fold }} isSelected={row.key === selected} />
            ))}
          </tbody>
        </table>
      </Scroll>
      {rows.length > MAX_ROWS ? (
        <p class="dim">
          {rows.length - MAX_ROWS} more rows are left out; fold events, or run adaos trace to see all.
        </p>
      ) : null}
    </>
  );
}

/** Folds by arrow keys on a row's button, and goes to the row above or below. */
function keyPressed(event: KeyboardEvent, fold: (key: string, isOpen: boolean) => void): void {
  if (!(event.target instanceof HTMLElement) || event.currentTarget === null) return;
  const row = event.target.closest("tr");
  const table = event.target.closest("table");
  if (row === null || table === null) return;
  const { key } = row.dataset;
  if ((event.key === "ArrowRight" || event.key === "ArrowLeft") && key !== undefined)
    fold(key, event.key === "ArrowRight");
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const stops = [...table.querySelectorAll<HTMLElement>("tbody tr[data-key] a")];
    const own = stops.findIndex((stop) => stop.closest("tr") === row);
    stops[own + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
  } else return;
  event.preventDefault();
}

interface RowProps {
  readonly row: TraceRow;
  readonly extent: { readonly startMs: number; readonly endMs: number };
  readonly id: string;
  readonly isSelected: boolean;
  readonly fold: (key: string, isOpen: boolean) => void;
}

function Row({ row, extent, id, isSelected, fold }: RowProps): JSX.Element {
  const { kind, depth, startMs, endMs, tone, event, isOpen, key } = row;
  const isEvent = kind === "event";
  return (
    <tr
      class={`${kind}${isSelected ? " selected" : ""}`}
      {...(isEvent ? { "data-key": key } : {})}
      {...(isSelected ? { "aria-current": "true" as const } : {})}
    >
      <td>
        <div class={`what depth-${Math.min(depth, MAX_INDENT)}`}>
          {isEvent ? (
            <button
              type="button"
              class="fold"
              aria-expanded={isOpen}
              aria-label={`${isOpen ? "Fold" : "Unfold"} ${event.event_name}`}
              onClick={() => fold(key, !isOpen)}
            >
              {isOpen ? "▾" : "▸"}
            </button>
          ) : (
            <span class={`mark ${tone}`} aria-hidden="true">
              {kind === "handling" ? "●" : kind === "hop" ? "▪" : "◷"}
            </span>
          )}
          <span>
            {isEvent ? (
              <Link to="/event" query={{ id, sel: event.event_id }}>
                <Text of={`${event.event_name}@${event.version}`} max={120} />
              </Link>
            ) : null}{" "}
            <span class={isEvent ? "dim" : tone}>
              <Text of={row.text} max={200} />
            </span>{" "}
            {row.note === "" ? null : (
              <span class="dim">
                <Text of={row.note} max={160} />
              </span>
            )}
          </span>
        </div>
      </td>
      <td class="number">+{tookText(startMs - extent.startMs)}</td>
      <td class="number">{endMs === startMs ? "" : tookText(endMs - startMs)}</td>
      <td class="times">
        <Bar {...{ startMs, endMs, extent }} tone={isEvent ? "span" : tone} />
      </td>
    </tr>
  );
}

interface BarProps {
  readonly startMs: number;
  readonly endMs: number;
  readonly extent: RowProps["extent"];
  readonly tone: string;
}

/** A picture, so that no style has to be made of a number. */
function Bar({ startMs, endMs, extent, tone }: BarProps): JSX.Element {
  const scale = BAR_WIDTH / (extent.endMs - extent.startMs);
  const width = Math.max(MIN_BAR, (endMs - startMs) * scale);
  const x = Math.min((startMs - extent.startMs) * scale, BAR_WIDTH - width);
  return (
    <svg
      class={`when-bar ${tone}`}
      viewBox={`0 0 ${BAR_WIDTH} 10`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <rect x={x} y={tone === "span" ? 3.5 : 1} width={width} height={tone === "span" ? 3 : 8} />
    </svg>
  );
}
