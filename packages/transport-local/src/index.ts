export { LocalBroker, type LocalBrokerOptions, type Uplink } from "./local-broker.ts";
export { LocalIdempotencyStore } from "./local-idempotency.ts";
export { LocalJournal } from "./local-journal.ts";
export { LocalMesh, type LocalNode } from "./local-mesh.ts";
export { LOCAL_TRAITS, LocalTransport, type LocalTransportOptions } from "./local-transport.ts";
