// A consumer process: `worker.mjs <member> <state> <durable> <file> [<max concurrency>]`. Each event's text selects
// its handling; a handled event is a line of the file.
import { appendFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { connect, RetryableError } from "@adaos/client";

const [as, state, durable, file, maxConcurrency = "4"] = process.argv.slice(2);

async function handle({ event_id, data }, { deliveryCount }) {
  const [what, ms] = data.text.split(" ");
  if (what === "slow") await delay(Number(ms));
  if (what === "fails") throw new RetryableError("not yet");
  if (what === "kills") process.kill(process.pid, "SIGKILL");
  // Once, at the second attempt, which is its last.
  if (what === "dies" && deliveryCount === 2) process.kill(process.pid, "SIGKILL");
  if (what === "dies") throw new RetryableError("not yet");
  appendFileSync(file, `${event_id}\n`);
}

// The parent owns its standard input: without the parent this process must end.
process.stdin.resume().once("close", () => process.exit());

const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const bus = await connect({ as, state, log });
process.once("SIGTERM", () => void bus.close().then(() => process.exit()));
const retry = { baseMs: 50, factor: 1, jitter: 0, maxRetries: 1 };
const options = { durable, startAt: "all", maxConcurrency: Number(maxConcurrency), retry };
await bus.subscribe("ui.notify", options, handle);
process.stdout.write("ready\n");
