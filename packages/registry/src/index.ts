export {
  bundleFolder,
  MAX_BUNDLE_BYTES,
  parseBundle,
  provenBundle,
  type RegistryBundle,
} from "./bundle/bundle.ts";
export { BundleCache } from "./bundle/bundle-cache.ts";
export { type BundleHeading, headingOf, PartialBundle, partOf } from "./bundle/partial-bundle.ts";
export {
  byRef,
  compareRegistries,
  type EventChange,
  isBreaking,
  isUnraised,
  type ReleasedEvent,
  releasedEvents,
  schemaVersionOf,
} from "./compare-registries.ts";
export { shortHash } from "./content-hash.ts";
export { FileRegistry } from "./file-registry.ts";
export {
  type FolderContent,
  listContent,
  openFolder,
  type RegistryFolder,
  readListed,
  readWithin,
  tryReadWithin,
} from "./files.ts";
export {
  CONTRACT_TEST,
  contractPaths,
  DIST_FOLDER,
  DIST_INDEX,
  DIST_TYPES,
  isSchemaIdOf,
  schemaIdOf,
} from "./layout.ts";
export { LiveRegistry } from "./live-registry.ts";
export {
  entryOf,
  loadFolder,
  loadRegistry,
  MAX_INDEX_BYTES,
  MAX_SCHEMA_BYTES,
  REGISTRY_FILE,
} from "./load.ts";
export { proofText, type RegistryProof, readProof } from "./proof.ts";
export {
  compareRecords,
  type EventRecord,
  inspectRecords,
  type PlacedRecord,
  parseRecords,
} from "./record.ts";
