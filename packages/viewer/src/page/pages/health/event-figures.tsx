import type { JSX } from "preact";
import type { HealthMetrics } from "../../../api/health.ts";
import type { Asked } from "../../app/ask.ts";
import { Answered } from "../../parts/answered.tsx";
import { Curve } from "../../parts/curve.tsx";
import { type Fact, Facts } from "../../parts/facts.tsx";
import { Notice } from "../../parts/notice.tsx";
import { tookText } from "../../parts/spans.ts";
import { Text } from "../../parts/text.tsx";
import { How } from "./how.tsx";
import type { Span } from "./resilience.tsx";

const NO_EVENTS =
  "No member has reported an event of this time. Members report every ten seconds; enable_metrics: false in mesh.yaml stops that.";

interface EventFiguresProps {
  readonly asked: Asked<HealthMetrics>;
  readonly span: Span;
}

/** Events: how many, how many failed, and how long their handling took. */
export function EventFigures({ asked, span }: EventFiguresProps): JSX.Element {
  return (
    <section aria-labelledby="events">
      <h2 id="events">Events</h2>
      <Answered asked={asked}>
        {({ summary, hours, away }) => (
          <>
            {away.map(({ of, reason }) => (
              <Notice key={of} kind="warning">{`the members of ${of} are left out: ${reason}`}</Notice>
            ))}
            <Facts of={figuresOf(summary)} />
            <Curves hours={hours} span={span} />
          </>
        )}
      </Answered>
      <How>
        <li>
          <b>Rate</b>: events published, and events whose handling ended, in each hour. An event with three
          handlers ends three times.
        </li>
        <li>
          <b>Errors</b>: handlings that failed for good, or whose retries were all spent. A handling that a
          retry cured is no error.
        </li>
        <li>
          <b>Duration</b>: how long handlers ran, retries apart; half of them no longer than P50, 95 % no
          longer than P95, exact to 5 %.
        </li>
        <li>
          Members count, and report to their hubs every ten seconds. Counts are kept by whole hours:{" "}
          <code>adaos events metrics</code> prints the same numbers.
        </li>
      </How>
    </section>
  );
}

function figuresOf(summary: HealthMetrics["summary"]): Fact[] {
  const { published, outcomes, success_after_retry, repeated, parked, handling_ms, publish_ms } = summary;
  const { total, success, failed, dead_letter } = outcomes;
  const bad = failed + dead_letter;
  const errors = total === 0 ? "0 %" : `${((bad / total) * 100).toFixed(2)} %`;
  return [
    ["Published", published.toLocaleString("en")],
    ["Handled", total.toLocaleString("en")],
    [
      "Succeeded",
      `${success.toLocaleString("en")}, ${success_after_retry.toLocaleString("en")} after retries`,
    ],
    ["Errors", `${bad.toLocaleString("en")}, ${errors}`],
    ["Failed", failed.toLocaleString("en")],
    ["Dead letters", dead_letter.toLocaleString("en")],
    ["Handling", latencyText(handling_ms)],
    ["Publishing", latencyText(publish_ms)],
    ["Not run again", repeated.toLocaleString("en")],
    ["Parked", parked.toLocaleString("en")],
    ["Error types", countsText(summary.by_type)],
    ["Rejected", countsText(summary.publish_failures)],
  ];
}

function latencyText({ count, p50, p95 }: HealthMetrics["summary"]["handling_ms"]): string {
  return count === 0 ? "" : `P50 ${tookText(p50)}, P95 ${tookText(p95)}`;
}

const MAX_COUNTS = 6;

function countsText(counts: Readonly<Record<string, number>>): JSX.Element | string {
  const all = Object.entries(counts).sort(([, a], [, b]) => b - a);
  if (all.length === 0) return "";
  const text = all
    .slice(0, MAX_COUNTS)
    .map(([what, count]) => `${what} ${count}`)
    .join(", ");
  return <Text of={all.length > MAX_COUNTS ? `${text}, and others` : text} max={300} />;
}

function Curves({
  hours,
  span,
}: {
  readonly hours: HealthMetrics["hours"];
  readonly span: Span;
}): JSX.Element {
  const at = hours.map(({ hour }) => Date.parse(hour));
  return (
    <div class="curves">
      <Curve
        title="Rate: events an hour"
        at={at}
        {...span}
        series={[
          { label: "published", tone: "accent", values: hours.map(({ published }) => published) },
          { label: "handled", tone: "good", values: hours.map(({ total }) => total) },
        ]}
        shown={countText}
        empty={NO_EVENTS}
      />
      <Curve
        title="Errors an hour"
        at={at}
        {...span}
        series={[
          {
            label: "failed or dead letter",
            tone: "error",
            shape: "bars",
            values: hours.map(({ failed, dead_letter }) => failed + dead_letter),
          },
        ]}
        shown={countText}
        empty={NO_EVENTS}
      />
      <Curve
        title="Duration of handling"
        at={at}
        {...span}
        series={[
          {
            label: "P95",
            tone: "warning",
            values: hours.map(({ handling_ms: { count, p95 } }) => (count === 0 ? null : p95)),
          },
          {
            label: "P50",
            tone: "accent",
            values: hours.map(({ handling_ms: { count, p50 } }) => (count === 0 ? null : p50)),
          },
        ]}
        shown={tookText}
        empty={NO_EVENTS}
      />
    </div>
  );
}

function countText(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString("en") : "";
}
