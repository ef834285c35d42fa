export { bridgeIn } from "./bridge-in.ts";
export { bridgeOut } from "./bridge-out.ts";
export { openForeignServer } from "./foreign-server.ts";
export type { BridgeRun } from "./into-mesh.ts";
export { isOneSubject, subjectsOverlap } from "./subjects-overlap.ts";
