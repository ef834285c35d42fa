// Publishes one event in the subnet "house" and handles it in the subnet "office".
import { connect } from "@adaos/client";

const thermometer = await connect({ as: "house/thermometer" });
const screen = await connect({ as: "office/screen" });

let show: (text: string) => void;
const shown = new Promise<string>((resolve) => {
  show = resolve;
});
// The hub keeps the durable "hello": it delivers what is published while this program is away.
await screen.subscribe("home.temperature.measured", { durable: "hello" }, ({ data }) => {
  show(`${data.room}: ${data.celsius} °C`);
});
await thermometer.publish("home.temperature.measured", { room: "kitchen", celsius: 21.5 });
console.log(await shown);

await Promise.all([thermometer.close(), screen.close()]);
