import type { BenchMesh } from "./bench-mesh.ts";
import type { Place } from "./contender.ts";
import { type RunResult, run } from "./run.ts";
import { quantileOf } from "./statistics.ts";

/** One number of one run. */
export interface Measured {
  readonly metric: string;
  readonly unit: "ms" | "events/s";
  readonly value: number;
}

export interface Scenario {
  readonly id: string;
  readonly title: string;
  readonly conditions: string;
  readonly contenders: readonly string[];
  /** One run of one contender. */
  measure(mesh: BenchMesh, contender: string, run: string, scale: number): Promise<readonly Measured[]>;
}

const LATENCY_RATE = 1000;
const LATENCY_SECONDS = 5;
const THROUGHPUT_COUNT = 20_000;
const WINDOW = 2000;

/** Where events come from and go to. */
type Way = Pick<Place, "from" | "to">;

const WITHIN: Way = { from: "solo", to: "solo" };
const ACROSS: Way = { from: "alpha", to: "beta" };

function placeOf(mesh: BenchMesh, way: Way, name: string): Place {
  return { ...way, state: mesh.state, servers: mesh.servers(), run: name, receiver: "handler" };
}

function latencyScenario(id: string, way: Way, title: string, contenders: readonly string[]): Scenario {
  return {
    id,
    title,
    conditions: `${LATENCY_RATE} events/s for ${LATENCY_SECONDS} s, 75 bytes of text`,
    contenders,
    measure: async (mesh, contender, name, scale) => {
      const count = Math.ceil(LATENCY_RATE * LATENCY_SECONDS * scale);
      const place = placeOf(mesh, way, name);
      const { latenciesMs } = await run({ contender, place, count, perSecond: LATENCY_RATE, window: WINDOW });
      return [0.5, 0.95, 0.99].map((q) => ({
        metric: `p${q * 100}`,
        unit: "ms",
        value: quantileOf(latenciesMs, q),
      }));
    },
  };
}

function throughputScenario(
  id: string,
  way: Way,
  title: string,
  contenders: readonly string[],
  measures: (result: RunResult, count: number) => readonly Measured[],
): Scenario {
  return {
    id,
    title,
    conditions: `${THROUGHPUT_COUNT} events, ${WINDOW} in flight, 75 bytes of text`,
    contenders,
    measure: async (mesh, contender, name, scale) => {
      const count = Math.ceil(THROUGHPUT_COUNT * scale);
      const result = await run({ contender, place: placeOf(mesh, way, name), count, window: WINDOW });
      return measures(result, count);
    },
  };
}

const perSecond = (count: number, ms: number): number => (count * 1000) / ms;

const ALL: readonly string[] = ["adaos", "adaos-bare", "raw"];
const OURS: readonly string[] = ["adaos", "adaos-bare"];

export const SCENARIOS: readonly Scenario[] = [
  latencyScenario("S1", WITHIN, "publish to handled, within a subnet", ALL),
  throughputScenario("S2", WITHIN, "durable throughput within a subnet", ALL, ({ allMs, sendMs }, count) => [
    { metric: "handled", unit: "events/s", value: perSecond(count, allMs) },
    { metric: "published", unit: "events/s", value: perSecond(count, sendMs) },
  ]),
  latencyScenario("S5a", ACROSS, "publish to handled, from subnet to subnet", OURS),
  throughputScenario("S5b", ACROSS, "durable throughput from subnet to subnet", OURS, ({ allMs }, count) => [
    { metric: "handled", unit: "events/s", value: perSecond(count, allMs) },
  ]),
];
