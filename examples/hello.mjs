import { connect } from "@adaos/client";

const kitchen = await connect({ as: "alpha/kitchen" });
const desk = await connect({ as: "beta/desk" });
let show;
const shown = new Promise((resolve) => (show = resolve));
await kitchen.subscribe("ui.notify", { durable: "hello" }, (event) => show(event.data.text));
await desk.subscribe("nlp.intent.detected", { durable: "hello" }, (event) =>
  desk.publish("ui.notify", { text: `doing ${event.data.intent}` }),
);
await kitchen.publish("nlp.intent.detected", { intent: "lights.on", slots: {}, locale: "en" });
console.log(await shown);
await Promise.all([kitchen.close(), desk.close()]);
