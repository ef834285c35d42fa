export { LocalBroker, type LocalBrokerOptions } from "./local-broker.ts";
export type { LocalDocuments } from "./local-documents.ts";
export { LocalMarks } from "./local-marks.ts";
export { LocalMesh } from "./local-mesh.ts";
export { LOCAL_TRAITS, LocalTransport } from "./local-transport.ts";
