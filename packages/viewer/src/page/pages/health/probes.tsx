import type { JSX } from "preact";
import type { HealthMetrics, HealthProbes } from "../../../api/health.ts";
import type { Asked } from "../../app/ask.ts";
import { navigate, useAddress } from "../../app/navigate.tsx";
import { Answered } from "../../parts/answered.tsx";
import { Curve } from "../../parts/curve.tsx";
import { Name } from "../../parts/name.tsx";
import { Notice } from "../../parts/notice.tsx";
import { tookText } from "../../parts/spans.ts";
import { Table } from "../../parts/table.tsx";
import { Text, visible } from "../../parts/text.tsx";
import { When } from "../../parts/when.tsx";
import { How } from "./how.tsx";
import type { Span } from "./resilience.tsx";

interface ProbesProps {
  readonly asked: Asked<HealthProbes>;
  readonly metrics: Asked<HealthMetrics>;
  readonly span: Span;
}

type Slo = HealthMetrics["slos"][number];

/** Databases and services: how they are, and how they keep their objective. */
export function Probes({ asked, metrics, span }: ProbesProps): JSX.Element {
  const slos = metrics.answer?.slos ?? [];
  return (
    <section aria-labelledby="probes">
      <h2 id="probes">Probes</h2>
      <Answered asked={asked}>{(answer) => <Standing of={answer} />}</Answered>
      {slos.length === 0 ? null : (
        <>
          <Objectives of={slos} />
          <ByHour of={slos} span={span} />
          <How>
            <li>
              <b>Objective</b>: 95 % of all looks are answered within 200 ms. A look without an answer counts
              as late.
            </li>
            <li>
              <b>Budget left</b>: of the 5 % that may be late in the chosen time, the share that is not used
              up. It is below zero when too many were late.
            </li>
            <li>
              <b>P95</b>: 95 % of the answers took no longer. <code>adaos slo</code> prints the same numbers.
            </li>
          </How>
        </>
      )}
    </section>
  );
}

function Standing({ of: { probes, problems, away } }: { readonly of: HealthProbes }): JSX.Element {
  return (
    <>
      {away.map(({ node, reason }) => (
        <Notice key={node} kind="warning">{`${node} ${reason}`}</Notice>
      ))}
      {problems.map(({ node, probe, reason }) => (
        <Notice
          key={`${node} ${probe}`}
          kind="error"
        >{`${node}: probe ${probe} was not started: ${reason}`}</Notice>
      ))}
      <Table
        caption="Probes"
        rows={probes}
        keyOf={({ node, app, probe }) => `${node} ${app ?? ""} ${probe}`}
        empty="Nobody probes anything; add probes: to a member in mesh.yaml, or call bus.probe."
        columns={[
          {
            title: "State",
            cell: ({ status, is_healthy }) => (
              <span class={`badge ${status === null ? "" : is_healthy ? "good" : "error"}`}>
                {status ?? "not looked yet"}
              </span>
            ),
          },
          { title: "Member", cell: ({ node }) => <Name of={node} /> },
          { title: "Probe", cell: ({ probe }) => <Name of={probe} /> },
          {
            title: "Of",
            cell: ({ database_type, environment }) => <Text of={`${database_type}, ${environment}`} />,
          },
          {
            title: "Latency",
            isNumber: true,
            cell: ({ latency_ms: ms }) => (ms === null ? "" : tookText(ms)),
          },
          { title: "Since", cell: ({ since }) => (since === null ? "" : <When at={since} />) },
          { title: "Error", cell: ({ error_message: error }) => <Text of={error ?? ""} max={300} /> },
        ]}
      />
    </>
  );
}

function Objectives({ of }: { readonly of: readonly Slo[] }): JSX.Element {
  return (
    <>
      <h3>Objective and budget</h3>
      <Table
        caption="Objective and budget of each probe"
        rows={of}
        keyOf={nameOf}
        empty=""
        columns={[
          {
            title: "Objective",
            cell: ({ met }) => (
              <span class={`badge ${met ? "good" : "error"}`}>{met ? "met" : "missed"}</span>
            ),
          },
          { title: "Probe", cell: (slo) => <Text of={nameOf(slo)} max={200} /> },
          { title: "Attained", isNumber: true, cell: ({ attained }) => share(attained) },
          { title: "Budget left", isNumber: true, cell: ({ budget_left }) => share(budget_left) },
          {
            title: "P95",
            isNumber: true,
            cell: ({ p95_ms: ms }) => (ms === null ? "no answer" : tookText(ms)),
          },
          { title: "Looks", isNumber: true, cell: ({ looks }) => looks },
          { title: "No answer", isNumber: true, cell: ({ failed }) => failed },
        ]}
      />
    </>
  );
}

/** The curves of one probe: the one in the address, else the first that misses its objective. */
function ByHour({ of, span }: { readonly of: readonly Slo[]; readonly span: Span }): JSX.Element | null {
  const { path, query } = useAddress();
  const asked = query.get("probe");
  const slo = of.find((one) => nameOf(one) === asked) ?? of.find(({ met }) => !met) ?? of[0];
  if (slo === undefined) return null;
  const hours = Object.entries(slo.by_hour);
  const at = hours.map(([hour]) => Date.parse(hour));
  const choose = (probe: string): void =>
    navigate(path, { ...Object.fromEntries(query), probe }, { replace: true });
  return (
    <>
      {of.length === 1 ? null : (
        <label>
          Curves of
          <select value={nameOf(slo)} onChange={(event) => choose(event.currentTarget.value)}>
            {of.map((one) => (
              <option key={nameOf(one)} value={nameOf(one)}>
                {visible(nameOf(one))}
              </option>
            ))}
          </select>
        </label>
      )}
      <div class="curves">
        <Curve
          title="P95 by hour"
          at={at}
          {...span}
          series={[
            { label: "P95", tone: "accent", values: hours.map(([, { p95_ms }]) => p95_ms) },
            { label: "objective", tone: "warning", values: hours.map(() => slo.target_ms) },
          ]}
          shown={tookText}
          empty="No look was counted in this time."
        />
        <Curve
          title="Late or failed looks by hour"
          at={at}
          {...span}
          series={[
            {
              label: "late or failed",
              tone: "error",
              shape: "bars",
              values: hours.map(([, { looks, good }]) => (looks === 0 ? 0 : (looks - good) / looks)),
            },
          ]}
          shown={share}
          empty="No look was counted in this time."
        />
      </div>
    </>
  );
}

function nameOf({ node, probe, environment, database_type }: Slo): string {
  return `${node} ${probe} (${database_type}, ${environment})`;
}

function share(value: number): string {
  return `${(value * 100).toFixed(1)} %`;
}
