export { LocalBroker, type LocalBrokerOptions, sharedBroker } from "./local-broker.ts";
export { LocalIdempotencyStore } from "./local-idempotency.ts";
export { LOCAL_TRAITS, LocalTransport, type LocalTransportOptions } from "./local-transport.ts";
