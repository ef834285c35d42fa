export type { ClassifiedSpot } from "./classification.ts";
export type { FileRegistry } from "./file-registry.ts";
export { generateIndex } from "./generate-index.ts";
export { generateTypes } from "./generate-types.ts";
export { loadRegistry, REGISTRY_FILE } from "./load.ts";
export type { EventRecord, EventSemantics, EventStatus } from "./record.ts";
