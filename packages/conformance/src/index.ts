export { describeClose } from "./close.ts";
export { describeDedupe } from "./dedupe.ts";
export { describeDurable } from "./durable.ts";
export type { TransportHarness, TransportTraits } from "./harness.ts";
export { describeOrder } from "./order.ts";
export { describePublish } from "./publish.ts";
export { describeReconnect } from "./reconnect.ts";
export { describeRedelivery } from "./redelivery.ts";
export { describeSettle } from "./settle.ts";
