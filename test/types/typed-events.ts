/*
 * Compiled with the tests, never run: what the registry's generated types let through and what they do not. Each
 * `@ts-expect-error` is an assertion, since the compiler complains when there is nothing to expect.
 */
import type { Bus } from "@adaos/client";

export async function typedEvents(bus: Bus): Promise<void> {
  await bus.publish("ui.notify", { text: "Tea is ready" });
  await bus.publish("ui.notify@1", { text: "Tea is ready", level: "info" });
  // @ts-expect-error: a misspelt field
  await bus.publish("ui.notify", { txt: "Tea is ready" });
  // @ts-expect-error: a value outside its enum
  await bus.publish("ui.notify@1", { text: "Tea is ready", level: "loud" });

  await bus.subscribe("nlp.intent.detected", { durable: "typed" }, (event) => {
    const intent: string = event.data.intent;
    // @ts-expect-error: a string is no number
    const number: number = event.data.intent;
    return [intent, number];
  });

  // An event that the types do not know takes any data; its schema decides at run time.
  await bus.publish("lab.sample.weighed", { grams: 7 });
  await bus.subscribe("ui.", { durable: "any" }, ({ data }) => {
    // @ts-expect-error: a prefix means many events, so its data is unknown
    return data.text;
  });
}
