// A consumer process that may be killed at any moment: `ledger-consumer.mjs <member> <state> <file>`. One synced
// line of its file is both effect and mark, so no crash comes between the two.
import { existsSync, fsyncSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { connect, NonRetryableError, RetryableError } from "@adaos/client";

const [as, state, file] = process.argv.slice(2);
const MAX_RETRIES = 2;

/**
 * Keys of the effects in the file. A torn last line is an effect that did not happen, and would damage the next
 * one.
 */
function openLedger() {
  if (!existsSync(file)) return new Set();
  const text = readFileSync(file, "utf8");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  truncateSync(file, Buffer.byteLength(whole));
  return new Set(
    whole
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line).key),
  );
}

const done = openLedger();
const ledger = openSync(file, "a");

/** @type {import("@adaos/core").IdempotencyStore} */
const store = {
  async once(_durable, key, effect) {
    if (done.has(key)) return false;
    const transaction = { key };
    await effect(transaction);
    writeSync(ledger, `${JSON.stringify(transaction)}\n`);
    fsyncSync(ledger);
    done.add(key);
    return true;
  },
};

/** The first word of an event's text selects its handling. */
function handle({ event_id, data }, { transaction, deliveryCount }) {
  const [kind] = data.text.split(" ");
  if (kind === "permanent") throw new NonRetryableError("never");
  if (kind === "flaky" && deliveryCount <= MAX_RETRIES) throw new RetryableError("not yet");
  // Succeeds beyond the last regular attempt, which happens only if an attempt was lost with its process.
  if (kind === "late" && deliveryCount <= MAX_RETRIES + 1) throw new RetryableError("far from yet");
  transaction.id = event_id;
}

// The parent owns its standard input: without the parent this process must end.
process.stdin.resume().once("close", () => process.exit());

const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const bus = await connect({ as, state, log, waitForServer: true });

const retry = { baseMs: 50, factor: 2, jitter: 0, maxRetries: MAX_RETRIES };
const options = { durable: "ledger", startAt: "all", idempotency: store, retry };
await bus.subscribe("ui.notify", options, handle);
process.stdout.write("ready\n");
