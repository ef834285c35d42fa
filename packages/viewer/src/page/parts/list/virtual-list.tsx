import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { nextIndex } from "./next-index.ts";

interface VirtualListProps {
  /** Said to screen readers. */
  readonly label: string;
  readonly count: number;
  /** Height of every row, in CSS pixels. */
  readonly rowPx: number;
  readonly keyOf: (index: number) => string;
  readonly row: (index: number) => ComponentChildren;
  /** The key of the selected row. */
  readonly selected: string | undefined;
  readonly onSelect: (index: number) => void;
  /** Whether the first row is in sight; called when that changes. */
  readonly onTop?: (isAtTop: boolean) => void;
  /** Counts up to bring the first row into sight. */
  readonly toTop?: number;
}

/** Rows that are drawn above and below those in sight, so that scrolling shows no gap. */
const MORE_ROWS = 6;

/** A list of any length that draws the rows in sight alone. Arrow keys, Page keys, Home and End move the selection. */
export function VirtualList(props: VirtualListProps): JSX.Element {
  const { label, count, rowPx, keyOf, row, selected, onTop, toTop = 0 } = props;
  const list = useRef<HTMLDivElement>(null);
  const rows = useRef<HTMLDivElement>(null);
  const space = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState({ top: 0, height: 600 });
  useEffect(() => {
    const shown = list.current;
    if (shown === null) return;
    const look = new ResizeObserver(() => setSight({ top: shown.scrollTop, height: shown.clientHeight }));
    look.observe(shown);
    return () => look.disconnect();
  }, []);
  const first = Math.max(0, Math.floor(sight.top / rowPx) - MORE_ROWS);
  const end = Math.min(count, Math.ceil((sight.top + sight.height) / rowPx) + MORE_ROWS);
  useLayoutEffect(() => {
    // By script: the content policy forbids styles in markup.
    list.current?.style.setProperty("--row-height", `${rowPx}px`);
    if (space.current !== null) space.current.style.height = `${count * rowPx}px`;
    if (rows.current !== null) rows.current.style.transform = `translateY(${first * rowPx}px)`;
  }, [count, rowPx, first]);
  useEffect(() => list.current?.scrollTo({ top: 0 }), [toTop]);
  const scrolled = (): void => {
    const shown = list.current;
    if (shown === null) return;
    setSight({ top: shown.scrollTop, height: shown.clientHeight });
    onTop?.(shown.scrollTop < rowPx);
  };
  const shownIndexes = Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i);
  return (
    <div
      ref={list}
      class="virtual"
      role="listbox"
      tabIndex={0}
      aria-label={label}
      onScroll={scrolled}
      onKeyDown={(event) => move(event, props, list.current)}
      {...(selected === undefined ? {} : { "aria-activedescendant": rowId(selected) })}
    >
      <div ref={space} role="presentation">
        <div ref={rows} role="presentation">
          {shownIndexes.map((index) => (
            <Row key={keyOf(index)} index={index} list={props}>
              {row(index)}
            </Row>
          ))}
        </div>
      </div>
    </div>
  );
}

interface RowProps {
  readonly index: number;
  readonly list: VirtualListProps;
  readonly children: ComponentChildren;
}

function Row({ index, list, children }: RowProps): JSX.Element {
  const key = list.keyOf(index);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list takes the keys, as a listbox does
    // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus and names the active row
    <div
      id={rowId(key)}
      class="virtual-row"
      role="option"
      aria-selected={key === list.selected}
      aria-setsize={list.count}
      aria-posinset={index + 1}
      onClick={() => list.onSelect(index)}
    >
      {children}
    </div>
  );
}

function rowId(key: string): string {
  return `row-${key.replaceAll(/[^A-Za-z0-9-]/g, "-")}`;
}

function move(event: KeyboardEvent, props: VirtualListProps, list: HTMLElement | null): void {
  const { count, rowPx, keyOf, selected, onSelect } = props;
  let at = -1;
  for (let i = 0; i < count && selected !== undefined && at === -1; i++) if (keyOf(i) === selected) at = i;
  const next = nextIndex(event.key, at, count);
  if (next === undefined || list === null) return;
  event.preventDefault();
  onSelect(next);
  const top = next * rowPx;
  if (top < list.scrollTop) list.scrollTo({ top });
  else if (top + rowPx > list.scrollTop + list.clientHeight)
    list.scrollTo({ top: top + rowPx - list.clientHeight });
}
