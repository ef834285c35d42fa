// A gauge of what is probed, kept by the events of two classes: node examples/health-gauge.mjs, with DATABASE_URL.
import { connect, DatabaseConnectionEstablished, DatabaseConnectionFailed } from "@adaos/client";

const bus = await connect({ as: process.env.AS ?? "alpha/kitchen" });
const gauge = new Map();
const set = ({ environment, database_type }, value) => {
  gauge.set(
    `database_connection_status{environment="${environment}",database_type="${database_type}"}`,
    value,
  );
  for (const [series, now] of gauge) console.log(series, now);
};
await bus.subscribe(DatabaseConnectionEstablished, { durable: "gauge-up", maxConcurrency: 1 }, (event) =>
  set(event, 1),
);
await bus.subscribe(DatabaseConnectionFailed, { durable: "gauge-down", maxConcurrency: 1 }, (event) =>
  set(event, 0),
);
await bus.probe("gauge", {
  type: process.env.DATABASE_URL?.startsWith("redis") ? "redis" : "postgresql",
  urlEnv: "DATABASE_URL",
  intervalMs: Number(process.env.INTERVAL_MS ?? 30_000),
});
process.once("SIGINT", () => bus.close());
