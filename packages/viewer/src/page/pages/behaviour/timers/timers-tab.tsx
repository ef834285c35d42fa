import type { JSX } from "preact";
import type { TimerList, TimerRow } from "../../../../api/behaviour.ts";
import { useAsk } from "../../../app/ask.ts";
import { Link, useAddress } from "../../../app/navigate.tsx";
import { useIsOperator } from "../../../app/session.ts";
import { Answered } from "../../../parts/answered.tsx";
import { Notice } from "../../../parts/notice.tsx";
import { type Column, Table } from "../../../parts/table.tsx";
import { Text } from "../../../parts/text.tsx";
import { When } from "../../../parts/when.tsx";
import { StateBadge } from "../parts/state-badge.tsx";
import { type Telling, ToldNotice, useTelling } from "../parts/told.tsx";
import { TimerActs } from "./timer-acts.tsx";
import { TimerPanel } from "./timer-panel.tsx";

const EVERY_MS = 5000;

export const nameOf = ({ node, name }: TimerRow): string => `${node}/${name}`;

export function TimersTab(): JSX.Element {
  const timer = useAddress().query.get("timer");
  return timer === null ? <AllTimers /> : <TimerPanel name={timer} />;
}

function AllTimers(): JSX.Element {
  const asked = useAsk<TimerList>("/api/timers", {}, EVERY_MS);
  const telling = useTelling(asked.again);
  const isOperator = useIsOperator();
  return (
    <>
      <ToldNotice telling={telling} />
      <Answered asked={asked}>
        {({ timers, is_cut, away }) => (
          <>
            {away.map(({ of, reason }) => (
              <Notice key={of} kind="warning">{`The hub of ${of} is left out: ${reason}.`}</Notice>
            ))}
            <Table
              caption="Timers"
              columns={isOperator ? [...COLUMNS, actsColumn(telling)] : COLUMNS}
              rows={timers}
              keyOf={nameOf}
              empty="There is no timer. Write one into mesh.yaml (members.<m>.timers), or make one with adaos timer add."
            />
            {is_cut ? <p class="dim">There are more timers; adaos timer list has all.</p> : null}
          </>
        )}
      </Answered>
    </>
  );
}

const COLUMNS: readonly Column<TimerRow>[] = [
  {
    title: "Timer",
    cell: (timer) => (
      <Link to="/behaviour" query={{ tab: "timers", timer: nameOf(timer) }}>
        <Text of={nameOf(timer)} />
      </Link>
    ),
  },
  { title: "Fires", cell: ({ fires }) => <Text of={fires} /> },
  { title: "Event", cell: ({ event }) => <Text of={event} /> },
  { title: "State", cell: ({ state }) => <StateBadge of={state} /> },
  { title: "Next", cell: ({ next }) => (next === null ? "–" : <When at={next} isFar />) },
  {
    title: "Last",
    cell: ({ last }) => (last === undefined ? "never" : <When at={last.scheduled_at} isFar />),
  },
  { title: "Fired", cell: ({ fired }) => fired, isNumber: true },
  { title: "Skipped", cell: ({ skipped }) => sumOf(skipped), isNumber: true },
];

function actsColumn(telling: Telling): Column<TimerRow> {
  return { title: "Change", cell: (timer) => <TimerActs timer={timer} telling={telling} /> };
}

function sumOf(skipped: TimerRow["skipped"]): number {
  return Object.values(skipped).reduce((sum, count) => sum + count, 0);
}
