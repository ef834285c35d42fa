export { LocalBroker, type LocalBrokerOptions } from "./local-broker.ts";
export { LocalIdempotencyStore } from "./local-idempotency.ts";
export { LocalMesh } from "./local-mesh.ts";
export { LOCAL_TRAITS, LocalTransport } from "./local-transport.ts";
