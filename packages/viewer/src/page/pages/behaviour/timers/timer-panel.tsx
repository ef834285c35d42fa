import type { JSX } from "preact";
import type { TimerDetail, TimerRow } from "../../../../api/behaviour.ts";
import { useAsk } from "../../../app/ask.ts";
import { Link } from "../../../app/navigate.tsx";
import { useIsOperator } from "../../../app/session.ts";
import { Answered } from "../../../parts/answered.tsx";
import { type Fact, Facts } from "../../../parts/facts.tsx";
import { JsonView } from "../../../parts/json-view.tsx";
import { spanText } from "../../../parts/spans.ts";
import { Text } from "../../../parts/text.tsx";
import { When } from "../../../parts/when.tsx";
import { StateBadge } from "../parts/state-badge.tsx";
import { ToldNotice, useTelling } from "../parts/told.tsx";
import { Trail } from "../parts/trail.tsx";
import { pathOf } from "../words.ts";
import { TimerActs } from "./timer-acts.tsx";

const EVERY_MS = 5000;

/** One timer: its schedule, its next times, and what it has done. */
export function TimerPanel({ name }: { readonly name: string }): JSX.Element {
  const asked = useAsk<TimerDetail>(pathOf("/api/timers", name), {}, EVERY_MS);
  const telling = useTelling(asked.again);
  const isOperator = useIsOperator();
  return (
    <>
      <Trail to={[{ text: "Timers", query: { tab: "timers" } }]} here={name} />
      <ToldNotice telling={telling} />
      <Answered asked={asked}>
        {({ timer, coming }) => (
          <>
            {isOperator ? <TimerActs timer={timer} telling={telling} /> : null}
            <div class="beside">
              <section>
                <h2>Schedule</h2>
                <Facts of={scheduleOf(timer)} />
              </section>
              <section>
                <h2>Fired</h2>
                <Facts of={firedOf(timer)} />
              </section>
              <section>
                <h2>Next times</h2>
                {coming.length === 0 || timer.state !== "active" ? (
                  <p class="dim">It does not fire again as it is: it is {timer.state}.</p>
                ) : (
                  <ol class="plain">
                    {coming.map((at) => (
                      <li key={at}>
                        <When at={at} isFar />
                      </li>
                    ))}
                  </ol>
                )}
              </section>
              <section>
                <h2>Data of its event</h2>
                {timer.data === null ? (
                  <p class="dim">The timer's name and the time.</p>
                ) : (
                  <JsonView of={timer.data} />
                )}
              </section>
            </div>
          </>
        )}
      </Answered>
    </>
  );
}

function scheduleOf(timer: TimerRow): Fact[] {
  const { jitter_ms, until, times, zone } = timer;
  return [
    ["State", <StateBadge key="state" of={timer.state} />],
    ["Fires", <Text key="fires" of={timer.fires} />],
    ["Time zone", zone === undefined ? "UTC" : <Text key="zone" of={zone} />],
    ["Event", <Text key="event" of={timer.event} />],
    ["Jitter", jitter_ms === 0 ? undefined : `up to ${spanText(jitter_ms)}`],
    ["Until", until === undefined ? undefined : <When key="until" at={until} isFar />],
    ["Times", times],
    ["Overlap", timer.overlap],
    ["Catch-up", `${timer.catch_up} within ${spanText(timer.within_ms)}`],
    ["Declared", timer.declared ? "in the mesh file, and removed there" : "by a program or an operator"],
  ];
}

function firedOf({ fired, late, caught_up, skipped, last }: TimerRow): Fact[] {
  return [
    ["Times", fired],
    ["Of them late", late],
    ["Caught up", caught_up],
    ...Object.entries(skipped).map(([why, count]): Fact => [`Skipped: ${why}`, count]),
    [
      "Last",
      last === undefined ? (
        "never"
      ) : (
        <>
          <When at={last.scheduled_at} isFar />{" "}
          <Link to="/event" query={{ id: last.event_id }}>
            <Text of={last.event_id} />
          </Link>
        </>
      ),
    ],
  ];
}
