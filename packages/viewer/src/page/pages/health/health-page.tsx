import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type {
  HealthAlerts,
  HealthMesh,
  HealthMetrics,
  HealthProbes,
  HealthResilience,
} from "../../../api/health.ts";
import { useAsk } from "../../app/ask.ts";
import { navigate, useAddress } from "../../app/navigate.tsx";
import { useSession } from "../../app/session.ts";
import { Alerts } from "./alerts.tsx";
import { Cards } from "./cards.tsx";
import { Components } from "./components.tsx";
import { EventFigures } from "./event-figures.tsx";
import { Probes } from "./probes.tsx";
import { Resilience } from "./resilience.tsx";
import "./health.css";

const EVERY_MS = 10_000;
/** The counts of all hours are read anew, and members report them every ten seconds. */
const METRICS_MS = 30_000;
const SPANS = [
  ["24h", "24 hours"],
  ["7d", "7 days"],
  ["30d", "30 days"],
] as const;
const SPAN_MS: Readonly<Record<string, number>> = {
  "24h": 86_400_000,
  "7d": 604_800_000,
  "30d": 2_592_000_000,
};

/** Whether everything is well, and was. */
export function HealthPage(): JSX.Element {
  const { path, query } = useAddress();
  const asked = query.get("since") ?? "24h";
  const since = asked in SPAN_MS ? asked : "24h";
  const subnets = useSession().places.filter((place) => place !== "root");
  const at = subnets.find((subnet) => subnet === query.get("at"));
  const mesh = useAsk<HealthMesh>("/api/health/mesh", {}, EVERY_MS);
  const probes = useAsk<HealthProbes>("/api/health/probes", {}, EVERY_MS);
  const alerts = useAsk<HealthAlerts>("/api/health/alerts", {}, EVERY_MS);
  const resilience = useAsk<HealthResilience>("/api/health/resilience", { since }, EVERY_MS);
  const metrics = useAsk<HealthMetrics>("/api/health/metrics", { since, at }, METRICS_MS);
  const span = useMemo(() => {
    const to = Date.now();
    return { from: to - (SPAN_MS[since] ?? 0), to };
  }, [since, metrics.answer, resilience.answer]);
  const choose = (key: "since" | "at", value: string): void =>
    navigate(path, { ...Object.fromEntries(query), [key]: value }, { replace: true });
  return (
    <div class="health wide-tables">
      <div class="row">
        <label>
          Curves and counts of the last
          <select value={since} onChange={(event) => choose("since", event.currentTarget.value)}>
            {SPANS.map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </label>
        <label>
          Events and objectives of
          <select value={at ?? ""} onChange={(event) => choose("at", event.currentTarget.value)}>
            <option value="">all subnets</option>
            {subnets.map((subnet) => (
              <option key={subnet}>{subnet}</option>
            ))}
          </select>
        </label>
        <span class="dim">Asked again by itself. Times are in UTC.</span>
      </div>
      <Cards
        mesh={mesh.answer}
        probes={probes.answer}
        alerts={alerts.answer}
        resilience={resilience.answer}
      />
      <Components asked={mesh} />
      <Alerts asked={alerts} />
      <Resilience asked={resilience} span={span} />
      <Probes asked={probes} metrics={metrics} span={span} />
      <EventFigures asked={metrics} span={span} />
    </div>
  );
}
