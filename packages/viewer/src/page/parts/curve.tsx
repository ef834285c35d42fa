import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { Table } from "./table.tsx";
import "./curve.css";

/** Named by what they say; `base.css` has their colours. */
export type CurveTone = "accent" | "good" | "warning" | "error";

export interface Series {
  readonly label: string;
  readonly tone: CurveTone;
  /** `null`: unknown at that time. */
  readonly values: readonly (number | null)[];
  /** @default "line" */
  readonly shape?: "line" | "bars" | "points";
}

interface CurveProps {
  readonly title: string;
  /** Times of the values, milliseconds since the epoch, ascending. */
  readonly at: readonly number[];
  readonly from: number;
  readonly to: number;
  readonly series: readonly Series[];
  /** A value as people read it. */
  readonly shown: (value: number) => string;
  /** Instead of an empty picture. */
  readonly empty: string;
}

const HEIGHT = 170;
const AXIS_WIDTH = 64;
const HOUR_SECONDS = 3600;
/** Rows of the table beside it. */
const MAX_ROWS = 400;

/** Values over time as curves, and the same as a table for those who do not see them. Times are in UTC. */
export function Curve({ title, at, from, to, series, shown, empty }: CurveProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const isDark = useIsDark();
  const [pointed, setPointed] = useState<number | undefined>();
  const isEmpty = at.length === 0;
  const digest = JSON.stringify([at, from, to, series]);
  useEffect(() => {
    const { current } = box;
    if (current === null || isEmpty) return;
    const colors = colorsOf(current);
    const plot = new uPlot(
      optionsOf({ width: current.clientWidth, from, to, series, shown, colors, onPoint: setPointed }),
      [at.map((ms) => ms / 1000), ...series.map(({ values }) => [...values])],
      current,
    );
    const resized = new ResizeObserver(() => plot.setSize({ width: current.clientWidth, height: HEIGHT }));
    resized.observe(current);
    return () => {
      resized.disconnect();
      plot.destroy();
    };
  }, [digest, isDark, isEmpty]);
  if (isEmpty) return <Figure title={title}>{<p class="dim">{empty}</p>}</Figure>;
  const rows = at.map((ms, i) => ({ ms, i })).slice(-MAX_ROWS);
  return (
    <Figure title={title}>
      <p class="curve-legend">
        {series.map(({ label, tone, values }) => (
          <span key={label}>
            <span class={`curve-mark ${tone}`} aria-hidden="true" /> {label}
            {pointed === undefined ? null : <b> {cellOf(values[pointed], shown)}</b>}
          </span>
        ))}
        <span class="dim">{pointed === undefined ? "" : timeText(at[pointed] ?? 0)}</span>
      </p>
      <div ref={box} class="curve-box" aria-hidden="true" />
      <details>
        <summary>As a table</summary>
        <Table
          caption={title}
          rows={rows}
          keyOf={({ i }) => String(i)}
          empty={empty}
          columns={[
            { title: "Time (UTC)", cell: ({ ms }) => timeText(ms) },
            ...series.map(({ label, values }) => ({
              title: label,
              isNumber: true,
              cell: ({ i }: { readonly i: number }) => cellOf(values[i], shown),
            })),
          ]}
        />
      </details>
    </Figure>
  );
}

function Figure({
  title,
  children,
}: {
  readonly title: string;
  readonly children: JSX.Element | JSX.Element[];
}): JSX.Element {
  return (
    <figure class="curve" aria-label={title}>
      <figcaption>{title}</figcaption>
      {children}
    </figure>
  );
}

function cellOf(value: number | null | undefined, shown: (value: number) => string): string {
  return value === null || value === undefined ? "–" : shown(value);
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace("T", " ");
}

const DAY_SECONDS = 86_400;

/** `09:00`, and the date at midnight and at the first one. Pure. */
function tickText(seconds: number, i: number, ticks: readonly number[]): string {
  const text = new Date(seconds * 1000).toISOString();
  const [date, time] = [text.slice(5, 10), text.slice(11, 16)];
  if ((ticks[1] ?? seconds) - (ticks[0] ?? 0) >= DAY_SECONDS) return date;
  return i === 0 || seconds % DAY_SECONDS === 0 ? `${time}\n${date}` : time;
}

function useIsDark(): boolean {
  const [query] = useState(() => matchMedia("(prefers-color-scheme: dark)"));
  const [isDark, setIsDark] = useState(query.matches);
  useEffect(() => {
    const changed = (): void => setIsDark(query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, [query]);
  return isDark;
}

type Colors = Readonly<Record<CurveTone | "dim" | "line", string>>;

/** A canvas knows no variables of a style sheet. */
function colorsOf(beside: HTMLElement): Colors {
  const probe = beside.appendChild(document.createElement("span"));
  const read = (name: string): string => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const colors = {
    accent: read("accent"),
    good: read("good"),
    warning: read("warning"),
    error: read("error"),
    dim: read("dim"),
    line: read("line"),
  };
  probe.remove();
  return colors;
}

interface PlotOptions extends Pick<CurveProps, "from" | "to" | "series" | "shown"> {
  readonly width: number;
  readonly colors: Colors;
  readonly onPoint: (index: number | undefined) => void;
}

function optionsOf({ width, from, to, series, shown, colors, onPoint }: PlotOptions): uPlot.Options {
  const axis = {
    stroke: colors.dim,
    grid: { stroke: colors.line, width: 1 },
    ticks: { stroke: colors.line },
  };
  return {
    width,
    height: HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, y: false },
    scales: {
      x: { time: true, range: [from / 1000, Math.max(to / 1000, from / 1000 + HOUR_SECONDS)] },
      y: { range: (_, __, max) => [0, max > 0 ? max * 1.15 : 1] },
    },
    axes: [
      { ...axis, space: 70, values: (_, ticks) => ticks.map(tickText) },
      {
        ...axis,
        size: AXIS_WIDTH,
        values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : shown(tick))),
      },
    ],
    hooks: { setCursor: [(plot) => onPoint(plot.cursor.idx ?? undefined)] },
    series: [{}, ...series.map((one) => plotted(one, colors))],
  };
}

function plotted({ label, tone, shape = "line" }: Series, colors: Colors): uPlot.Series {
  const stroke = colors[tone];
  if (shape === "bars") {
    const bars = uPlot.paths.bars?.({ size: [0.6, 24, 2] });
    return {
      label,
      stroke,
      width: 0,
      fill: stroke,
      points: { show: false },
      ...(bars === undefined ? {} : { paths: bars }),
    };
  }
  if (shape === "points")
    return { label, stroke, paths: () => null, points: { show: true, size: 7, fill: stroke } };
  return { label, stroke, width: 2, spanGaps: false, points: { show: true, size: 5, fill: stroke } };
}
