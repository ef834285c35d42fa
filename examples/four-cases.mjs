// What becomes of an event: it succeeds, succeeds after a retry, fails for good, or fails until its retries are spent.
import { connect, NonRetryableError, RetryableError } from "@adaos/client";

const kitchen = await connect({ as: "alpha/kitchen" });
const speaker = await connect({ as: "alpha/speaker" });
const attempts = new Map();

await speaker.subscribe(
  "ui.notify",
  { durable: "four-cases", retry: { baseMs: 100, maxRetries: 2 } },
  async ({ event_id, data }) => {
    const attempt = (attempts.get(event_id) ?? 0) + 1;
    attempts.set(event_id, attempt);
    if (data.text === "flaky" && attempt === 1) throw new RetryableError("the speaker is busy");
    if (data.text === "wrong") throw new NonRetryableError("there is no such speaker");
    if (data.text === "hopeless") throw new RetryableError("the speaker is still busy");
    console.log(`${data.text}: success at attempt ${attempt}`);
  },
);
for (const text of ["good", "flaky", "wrong", "hopeless"]) await kitchen.publish("ui.notify", { text });

const { stats } = speaker;
while (stats.handled + stats.deadLettered < 4) await new Promise((resolve) => setTimeout(resolve, 20));
console.log(`handled ${stats.handled}, retried ${stats.retried}, dead letters ${stats.deadLettered}`);
await Promise.all([kitchen.close(), speaker.close()]);
