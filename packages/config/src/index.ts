export { compiledPolicyText } from "./compiled-policy.ts";
export { type ConfigError, configErrorOf } from "./config-error.ts";
export { declaredTimers, type TimersByMember, timerOptionsOf } from "./declared-timers.ts";
export { credentialName } from "./files/credentials.ts";
export { makeFolder } from "./files/make-folder.ts";
export { assertOwnFolder, ownershipProblem } from "./files/own-folder.ts";
export { startTimeOf } from "./files/process-start-time.ts";
export { assertPrivate, openOwnLog, readSeed, writeSecret } from "./files/secret-file.ts";
export {
  auditFile,
  hubNodeIds,
  layoutFile,
  logFilePath,
  lostFile,
  marksDir,
  nodeFilePath,
  nodeId,
  nodeOfFile,
  outboxDir,
  positionsPath,
  provenRegistryBeside,
  provenRegistryFile,
  registryApprovalFile,
  registryCachePath,
  registryInForceFile,
  resolveStateDir,
  rootNodeIds,
  runFilePath,
  STATE_FOLDER,
  skillsDir,
  storeDir,
} from "./files/state-dir.ts";
export { writeNew, writeWhole, writeWholeSynced } from "./files/write-whole.ts";
export { meshFileJsonSchema, nodeFileJsonSchema } from "./json-schemas.ts";
export {
  keepLastGood,
  lastGoodFile,
  nodeFileError,
  readLastGoodNode,
  removeNodeFile,
  restoreNodeFile,
} from "./last-good.ts";
export {
  type FixedPorts,
  type MeshFile,
  readMeshFile,
} from "./mesh-file.ts";
export {
  type HubFile,
  type LoadedNode,
  type MemberFile,
  type NodeFile,
  type NodeFileInput,
  type NodeRole,
  nodeFileDigest,
  type RootFile,
  readNodeFile,
} from "./node-file.ts";
export type { AlertSettings } from "./sections/alert-settings.ts";
export { duration, parseDuration } from "./sections/duration.ts";
export type { StoreEncryption } from "./sections/encryption-schema.ts";
export type { DeclaredSkills } from "./sections/member/skills-schema.ts";
export type { CertificateFiles } from "./sections/mesh-tls.ts";
export type { AutoApply } from "./sections/registry-schema.ts";
export type { ScrapeAddress } from "./sections/scrape-access.ts";
export type { StreamLimits } from "./sections/stream-limits.ts";
export { readLangfuseKeys, type Tracing } from "./sections/tracing.ts";
export type { FloodLimits, OutboxLimits } from "./sections/traffic-schema.ts";
export { type ViewerSettings, viewerSchema } from "./sections/viewer-schema.ts";
export { newSignatureKey, readSignatureKey, readSignatures } from "./signature-keys.ts";
export { asBlockList, withItems } from "./text/append-items.ts";
export { type NewMember, withMember, withoutMember } from "./text/edit-mesh-file.ts";
export { itemsIn, placeAt, placeInJson, placeOfSyntaxError } from "./text/json-places.ts";
export {
  type CheckedFile,
  invalid,
  MAX_FILE_BYTES,
  parseYaml,
  readYamlFile,
  shownPath,
} from "./text/yaml-file.ts";
export {
  meantKey,
  type Place,
  readYamlTree,
  schemaProblems,
  unknownKeysHint,
  type YamlProblem,
  type YamlTree,
} from "./text/yaml-tree.ts";
export {
  type ClientTls,
  isLoopback,
  type ListenAddress,
  readServerAccess,
  type ServerAccess,
  type ServerTls,
} from "./transport-security.ts";
