import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { RunDetail } from "../../../../api/behaviour.ts";
import { useAsk } from "../../../app/ask.ts";
import { Link } from "../../../app/navigate.tsx";
import { useIsOperator } from "../../../app/session.ts";
import { Answered } from "../../../parts/answered.tsx";
import { type Fact, Facts } from "../../../parts/facts.tsx";
import { JsonView } from "../../../parts/json-view.tsx";
import { Notice } from "../../../parts/notice.tsx";
import { spanText } from "../../../parts/spans.ts";
import { Text } from "../../../parts/text.tsx";
import { When } from "../../../parts/when.tsx";
import { Act } from "../parts/act.tsx";
import { StateBadge } from "../parts/state-badge.tsx";
import { type Telling, ToldNotice, useTelling } from "../parts/told.tsx";
import { Trail } from "../parts/trail.tsx";
import { cancelOneText } from "../scenarios/scenario-acts.tsx";
import { Conditions } from "./conditions.tsx";
import { RunSteps } from "./run-steps.tsx";
import { TriggerText } from "./runs-table.tsx";

const EVERY_MS = 2000;

/** One run as a time line, beside the text with which it began. */
export function RunPanel({ id }: { readonly id: string }): JSX.Element {
  const [isOver, setOver] = useState(false);
  const path = `/api/runs/${encodeURIComponent(id)}`;
  const asked = useAsk<RunDetail>(path, {}, isOver ? undefined : EVERY_MS);
  const outcome = asked.answer?.run.outcome;
  // A run that has ended changes no more, and finding it takes its hub a while.
  useEffect(() => setOver(outcome !== undefined && outcome !== "active"), [outcome]);
  const telling = useTelling(asked.again);
  const scenario = asked.answer?.run.scenario;
  return (
    <>
      <Trail
        to={[
          { text: "Scenarios", query: { tab: "scenarios" } },
          ...(scenario === undefined ? [] : [{ text: scenario, query: { tab: "scenarios", scenario } }]),
        ]}
        here={id}
      />
      <ToldNotice telling={telling} />
      <Answered asked={asked}>
        {(detail) => (
          <>
            <RunActs run={detail.run} telling={telling} />
            <Facts of={factsOf(detail.run)} />
            <Trigger run={detail.run} />
            {detail.problem === undefined ? null : <Notice kind="warning">{detail.problem}</Notice>}
            <RunSteps detail={detail} telling={telling} />
          </>
        )}
      </Answered>
    </>
  );
}

function RunActs({
  run: { id, outcome },
  telling,
}: {
  readonly run: RunDetail["run"];
  readonly telling: Telling;
}): JSX.Element | null {
  if (!useIsOperator()) return null;
  const path = `/api/runs/${encodeURIComponent(id)}`;
  return (
    <span class="acts">
      {outcome === "active" ? (
        <Act
          label="Cancel"
          about={id}
          kind="danger"
          path={`${path}/cancel`}
          confirm={{ title: "Cancel this run?", text: () => cancelOneText(id) }}
          onDone={telling.done(`${id} is cancelled`)}
          onFailed={telling.failed}
        />
      ) : (
        <Act
          label="Retry"
          about={id}
          path={`${path}/retry`}
          confirm={{ title: "Retry this run?", text: () => retryText() }}
          onDone={telling.done(`${id} is tried again`)}
          onFailed={telling.failed}
        />
      )}
    </span>
  );
}

function retryText(): JSX.Element {
  return (
    <p>
      A new run begins with the same trigger and the scenario as it is now. Conditions are not asked again;
      effects that were done are done again.
    </p>
  );
}

function factsOf(run: RunDetail["run"]): Fact[] {
  const { outcome, reason, shadow, key, started_at, ended_at, duration_ms, now, hash, unlogged } = run;
  return [
    [
      "Outcome",
      <>
        <StateBadge of={outcome} word={outcome === "active" ? "under way" : outcome} />{" "}
        {reason === undefined ? null : <Text of={reason} max={600} />}
      </>,
    ],
    ["Shadow", shadow ? "yes: it publishes nothing" : undefined],
    ["Key", key === "" ? undefined : <Text of={key} max={200} />],
    ["Started", <When at={started_at} isFar />],
    ["Ended", ended_at === undefined ? undefined : <When at={ended_at} isFar />],
    ["Length", spanText(duration_ms)],
    [
      "now",
      now === undefined ? undefined : (
        <>
          <code>
            <Text of={now.step} />
          </code>{" "}
          ({now.doing})
          {now.until === undefined ? null : (
            <>
              {" "}
              until <When at={now.until} isFar />
            </>
          )}
        </>
      ),
    ],
    [
      "Text",
      <code>
        <Text of={hash} />
      </code>,
    ],
    ["Not recorded", unlogged === 0 ? undefined : `${unlogged} steps: its log is full`],
  ];
}

function Trigger({ run: { trigger, event, conditions } }: { readonly run: RunDetail["run"] }): JSX.Element {
  return (
    <section>
      <h2>Trigger</h2>
      <p>
        <TriggerText trigger={trigger} /> at <When at={trigger.at} isFar />
        {trigger.event_id === undefined ? null : (
          <>
            {" "}
            <Link to="/event" query={{ id: trigger.event_id }} class="mono">
              <Text of={trigger.event_id} />
            </Link>
          </>
        )}
      </p>
      {event === undefined ? null : (
        <details>
          <summary>Data of the event</summary>
          <JsonView of={event.data} />
        </details>
      )}
      {conditions.length === 0 ? (
        <p class="dim">It has no conditions.</p>
      ) : (
        <>
          <h3>Conditions</h3>
          <Conditions of={conditions} />
        </>
      )}
    </section>
  );
}
