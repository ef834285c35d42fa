import type { JSX } from "preact";
import type { HealthAlerts, HealthMesh, HealthProbes, HealthResilience } from "../../../api/health.ts";
import { tookText } from "../../parts/spans.ts";
import { How } from "./how.tsx";

interface CardsProps {
  readonly mesh: HealthMesh | undefined;
  readonly probes: HealthProbes | undefined;
  readonly alerts: HealthAlerts | undefined;
  readonly resilience: HealthResilience | undefined;
}

/** The figures to look at first. */
export function Cards({ mesh, probes, alerts, resilience }: CardsProps): JSX.Element {
  return (
    <>
      <div class="cards">
        <MeshCard of={mesh} />
        <ConfigCard of={mesh} />
        <AlertsCard of={alerts} />
        <ProbesCard of={probes} />
        <ResilienceCards of={resilience} />
      </div>
      <How>
        <li>
          <b>Restarts</b>: processes that the supervisor has started again since it began itself; its{" "}
          <code>/api/metrics/v0_1/summary</code> and <code>adaos status</code> give the same number.
        </li>
        <li>
          <b>Mean recovery</b>: from the moment the supervisor notices that a process has ended or hangs,
          until the process is ready again. It looks every few seconds, so the fault itself may be up to 5 s
          older.
        </li>
        <li>
          <b>Log loss</b>: of the lines of <code>logs/system_resilience.log</code> in the chosen time, those
          that could not be written (the next line that could tells how many) or were cut short.
        </li>
        <li>
          <b>Manual interventions</b>: processes that a restart did not help four times in a row, and that are
          not well yet. Repairs by the mesh itself do not count.
        </li>
        <li>
          <b>Configuration</b>: mesh file and node files that cannot be used now. The last good version of
          each is in force meanwhile.
        </li>
      </How>
    </>
  );
}

interface CardProps {
  readonly title: string;
  readonly figure: string;
  readonly tone?: string;
  readonly note: string;
}

function Card({ title, figure, tone = "", note }: CardProps): JSX.Element {
  return (
    <div class={`card ${tone === "error" ? "alarm" : ""}`}>
      <div class="dim">{title}</div>
      <div class={`figure ${tone}`}>{figure}</div>
      <div class="note">{note}</div>
    </div>
  );
}

const UNKNOWN = "–";

function MeshCard({ of }: { readonly of: HealthMesh | undefined }): JSX.Element {
  if (of === undefined) return <Card title="Components" figure={UNKNOWN} note="" />;
  const unready = of.components.filter(({ ready }) => !ready).length;
  return (
    <Card
      title="Components"
      figure={unready === 0 ? "all ready" : `${unready} not ready`}
      tone={unready === 0 ? "good" : "error"}
      note={`of ${of.components.length}`}
    />
  );
}

function ConfigCard({ of }: { readonly of: HealthMesh | undefined }): JSX.Element {
  if (of === undefined) return <Card title="Configuration" figure={UNKNOWN} note="" />;
  const { errors } = of.config;
  if (errors.length === 0)
    return <Card title="Configuration" figure="good" tone="good" note="every file is in force" />;
  const figure = `${errors.length} broken file${errors.length === 1 ? "" : "s"}`;
  return <Card title="Configuration" figure={figure} tone="error" note="the last good version is in force" />;
}

function AlertsCard({ of }: { readonly of: HealthAlerts | undefined }): JSX.Element {
  if (of === undefined) return <Card title="Alerts" figure={UNKNOWN} note="" />;
  if (!of.isJudged) return <Card title="Alerts" figure="off" note="alerts: {} in mesh.yaml turns them on" />;
  const loud = of.raised.filter(({ silence }) => silence === null);
  const tone = loud.some(({ alert }) => alert.severity === "critical")
    ? "error"
    : loud.length > 0
      ? "warning"
      : "good";
  const silenced = of.raised.length - loud.length;
  return (
    <Card
      title="Alerts"
      figure={of.raised.length === 0 ? "none" : String(of.raised.length)}
      tone={tone}
      note={silenced === 0 ? "raised now" : `raised now, ${silenced} silenced`}
    />
  );
}

function ProbesCard({ of }: { readonly of: HealthProbes | undefined }): JSX.Element {
  if (of === undefined) return <Card title="Probes" figure={UNKNOWN} note="" />;
  const { probes, healthy, problems, away } = of;
  if (probes.length + problems.length + away.length === 0)
    return <Card title="Probes" figure="none" note="probes: of a member in mesh.yaml adds some" />;
  const bad = probes.filter(({ requires_alert }) => requires_alert).length + problems.length;
  return (
    <Card
      title="Probes"
      figure={healthy ? "all healthy" : bad > 0 ? `${bad} not healthy` : "unknown"}
      tone={healthy ? "good" : "error"}
      note={away.length === 0 ? `of ${probes.length}` : `${away.length} nodes do not answer`}
    />
  );
}

function ResilienceCards({ of }: { readonly of: HealthResilience | undefined }): JSX.Element {
  const supervisor = of?.supervisor ?? undefined;
  const none = of === undefined ? "" : (of.problem ?? "no supervisor runs here: adaos up");
  const { restarts, recovery, manual_interventions: manual = 0 } = supervisor ?? {};
  const lines = of?.past.lines ?? { written: 0, dropped: 0, torn: 0 };
  const lost = lines.dropped + lines.torn;
  const all = lines.written + lost;
  return (
    <>
      <Card
        title="Restarts"
        figure={restarts === undefined ? UNKNOWN : String(restarts)}
        note={supervisor === undefined ? none : "since the supervisor began"}
      />
      <Card
        title="Mean recovery"
        figure={recovery === undefined || recovery.count === 0 ? UNKNOWN : tookText(recovery.mean_ms)}
        note={
          recovery === undefined
            ? none
            : recovery.count === 0
              ? "nothing had to recover"
              : `of ${recovery.count}, the longest ${tookText(recovery.max_ms)}`
        }
      />
      <Card
        title="Log loss"
        figure={of === undefined ? UNKNOWN : all === 0 ? "0 %" : `${((lost / all) * 100).toFixed(1)} %`}
        tone={all > 0 && lost / all >= 0.01 ? "error" : ""}
        note={`${lost} of ${all} lines`}
      />
      <Card
        title="Manual interventions"
        figure={supervisor === undefined ? UNKNOWN : String(manual)}
        tone={manual > 0 ? "error" : ""}
        note={supervisor === undefined ? none : "needed now"}
      />
    </>
  );
}
