// Tries a lost connection again at once, three times at most. After that it is found at one of the probe's own looks.
import { setTimeout as sleep } from "node:timers/promises";
import { connect, DatabaseConnectionEstablished, DatabaseConnectionFailed } from "@adaos/client";

const bus = await connect({ as: process.env.AS ?? "alpha/kitchen" });
const intervalMs = Number(process.env.INTERVAL_MS ?? 30_000);
const waitMs = Number(process.env.WAIT_MS ?? 1000);
let probe;

await bus.subscribe(DatabaseConnectionEstablished, { durable: "reconnect-up" }, ({ database_type }) =>
  console.log(`${database_type}: connected`),
);
await bus.subscribe(DatabaseConnectionFailed, { durable: "reconnect" }, async (event, { signal }) => {
  const { database_type, retry_count } = event;
  if (retry_count >= 3) return console.log(`${database_type}: given up after ${retry_count} retries`);
  console.log(`${database_type}: lost; retry ${retry_count + 1} of 3`);
  await sleep(waitMs * 2 ** retry_count, undefined, { signal });
  // One that fails is published with a retry_count that is one more, and comes back here.
  await probe?.look();
});
probe = await bus.probe("reconnect", {
  type: process.env.DATABASE_URL?.startsWith("redis") ? "redis" : "postgresql",
  urlEnv: "DATABASE_URL",
  intervalMs,
});
process.once("SIGINT", () => bus.close());
