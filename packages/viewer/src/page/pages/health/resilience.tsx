import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { HealthResilience } from "../../../api/health.ts";
import type { Asked } from "../../app/ask.ts";
import { Answered } from "../../parts/answered.tsx";
import { Curve } from "../../parts/curve.tsx";
import { Told } from "../../parts/name.tsx";
import { Notice } from "../../parts/notice.tsx";
import { tookText } from "../../parts/spans.ts";
import { Table } from "../../parts/table.tsx";
import { Text } from "../../parts/text.tsx";
import { When } from "../../parts/when.tsx";
import { countByHour, failurePairs } from "./failure-pairs.ts";
import { How } from "./how.tsx";

/** The newest failures that are listed. */
const MAX_ROWS = 50;

export interface Span {
  readonly from: number;
  readonly to: number;
}

interface ResilienceProps {
  readonly asked: Asked<HealthResilience>;
  readonly span: Span;
}

/** Failures and how long each recovery took. */
export function Resilience({ asked, span }: ResilienceProps): JSX.Element {
  return (
    <section aria-labelledby="resilience">
      <h2 id="resilience">Resilience</h2>
      <Answered asked={asked}>
        {(answer) => (
          <>
            {answer.past.isCut ? (
              <Notice kind="info">The log is longer than what was read; older failures are left out.</Notice>
            ) : null}
            <Trend past={answer.past} span={span} />
            <Losses of={answer.losses} />
          </>
        )}
      </Answered>
      <How>
        <li>
          <b>Failures</b> are the restarts and injected faults that <code>logs/system_resilience.log</code>{" "}
          tells of. Several restarts of a process until it was well again are one failure. An injected fault
          that ends a process is two: the fault, and the process that was restarted.
        </li>
        <li>
          <b>Recovery</b> of a process is the time until the supervisor found it ready again. Recovery of an
          injected fault is the time from the fault to the first event that was published after it and took
          effect, as <code>adaos chaos inject</code> reports it.
        </li>
        <li>
          <b>Lost messages</b> are places of a stream whose messages a store has lost on this machine, as its
          daemon has found out; most of them are brought back from other streams.{" "}
          <code>adaos store verify</code> compares anew.
        </li>
      </How>
    </section>
  );
}

function Trend({
  past,
  span,
}: {
  readonly past: HealthResilience["past"];
  readonly span: Span;
}): JSX.Element {
  const pairs = useMemo(() => failurePairs(past), [past]);
  const byHour = useMemo(
    () =>
      countByHour(
        pairs.map(({ at }) => at),
        span.from,
        span.to,
      ),
    [pairs, span],
  );
  const seconds = (pick: (isInjected: boolean) => boolean): (number | null)[] =>
    pairs.map(({ tookMs, isInjected }) => (pick(isInjected) ? tookMs : null));
  const empty = "Nothing has failed in this time. adaos chaos inject fails something on purpose.";
  return (
    <>
      <div class="curves">
        <Curve
          title="Failures by hour"
          at={pairs.length === 0 ? [] : [...byHour.keys()]}
          {...span}
          series={[{ label: "failures", tone: "error", shape: "bars", values: [...byHour.values()] }]}
          shown={(value) => (Number.isInteger(value) ? String(value) : "")}
          empty={empty}
        />
        <Curve
          title="Recovery of each failure"
          at={pairs.map(({ at }) => Date.parse(at))}
          {...span}
          series={[
            {
              label: "process",
              tone: "accent",
              shape: "points",
              values: seconds((isInjected) => !isInjected),
            },
            {
              label: "injected fault",
              tone: "warning",
              shape: "points",
              values: seconds((isInjected) => isInjected),
            },
          ]}
          shown={tookText}
          empty={empty}
        />
      </div>
      {pairs.length === 0 ? null : (
        <details open={pairs.length <= 10}>
          <summary>
            {pairs.length === 1
              ? "1 failure and its recovery"
              : `${pairs.length} failures and their recovery`}
          </summary>
          <Table
            caption="Failures and their recovery, newest first"
            rows={pairs.slice(-MAX_ROWS).reverse()}
            keyOf={({ at, what }) => `${at} ${what}`}
            empty=""
            columns={[
              { title: "Failed at", cell: ({ at }) => <When at={at} /> },
              { title: "What", cell: ({ what }) => <Text of={what} max={200} /> },
              { title: "Why", cell: ({ reason }) => <Told of={reason} /> },
              {
                title: "Recovered after",
                isNumber: true,
                cell: ({ tookMs }) =>
                  tookMs === null ? <span class="error">not yet</span> : tookText(tookMs),
              },
            ]}
          />
        </details>
      )}
    </>
  );
}

function Losses({ of }: { readonly of: HealthResilience["losses"] }): JSX.Element {
  if (of.length === 0) return <p class="dim">No store has lost a message in this time.</p>;
  return (
    <Table
      caption="Messages that stores have lost"
      rows={of}
      keyOf={({ stream, found_at, messages }) => `${stream} ${found_at} ${messages}`}
      empty=""
      columns={[
        { title: "Found at", cell: ({ found_at }) => <When at={found_at} /> },
        { title: "Stream", cell: ({ of: at, stream }) => <Text of={`${stream} at ${at}`} /> },
        { title: "Lost messages", isNumber: true, cell: ({ messages }) => messages },
      ]}
    />
  );
}
