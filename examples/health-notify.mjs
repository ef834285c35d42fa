// Tells people that a database is lost, and that it is back: the webhook of Slack's #incidents in SLACK_WEBHOOK_URL.
import { connect, DatabaseConnectionEstablished, DatabaseConnectionFailed } from "@adaos/client";

const bus = await connect({ as: process.env.AS ?? "alpha/kitchen" });
let isLost = false;

async function notify(text, signal) {
  const url = process.env.SLACK_WEBHOOK_URL;
  if (url === undefined) return console.log(text);
  const body = JSON.stringify({ channel: "#incidents", text });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body, signal });
  // Thrown, it is delivered again later.
  if (!answer.ok) throw new Error(`Slack answered ${answer.status}`);
}

await bus.subscribe(DatabaseConnectionFailed, { durable: "notify-lost" }, async (event, { signal }) => {
  const { environment, database_type, error_message } = event;
  await notify(`${environment}: connection to ${database_type} failed: ${error_message}`, signal);
  isLost = true;
});
await bus.subscribe(DatabaseConnectionEstablished, { durable: "notify-back" }, async (event, { signal }) => {
  const { environment, database_type } = event;
  if (isLost) await notify(`${environment}: connected to ${database_type} again`, signal);
  isLost = false;
});
await bus.probe("notify", {
  type: process.env.DATABASE_URL?.startsWith("redis") ? "redis" : "postgresql",
  urlEnv: "DATABASE_URL",
  intervalMs: Number(process.env.INTERVAL_MS ?? 30_000),
});
process.once("SIGINT", () => bus.close());
