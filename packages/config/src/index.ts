export { asBlockList, withItems } from "./append-items.ts";
export { compiledPolicyText } from "./compiled-policy.ts";
export { type NewMember, withMember, withoutMember } from "./edit-mesh-file.ts";
export { meshFileJsonSchema, nodeFileJsonSchema } from "./json-schemas.ts";
export { makeFolder } from "./make-folder.ts";
export {
  type AutoApply,
  type CertificateFiles,
  type FixedPorts,
  type FloodLimits,
  type ListenAddress,
  type MeshFile,
  type OutboxLimits,
  readMeshFile,
  type StreamLimits,
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
export { assertOwnFolder, ownershipProblem } from "./own-folder.ts";
export { startTimeOf } from "./process-start-time.ts";
export { assertPrivate, openOwnLog, readSeed, writeSecret } from "./secret-file.ts";
export { newSignatureKey, readSignatureKey, readSignatures } from "./signature-keys.ts";
export {
  layoutFile,
  logFilePath,
  nodeFilePath,
  nodeId,
  outboxDir,
  registryApprovalFile,
  registryCachePath,
  registryInForceFile,
  resolveStateDir,
  rootNodeIds,
  runFilePath,
  STATE_FOLDER,
  storeDir,
} from "./state-dir.ts";
export {
  type ClientTls,
  isLoopback,
  readServerAccess,
  type ServerAccess,
  type ServerTls,
} from "./transport-security.ts";
export {
  type CheckedFile,
  invalid,
  MAX_FILE_BYTES,
  parseYaml,
  readYamlFile,
  shownPath,
} from "./yaml-file.ts";
export { type Place, readYamlTree, schemaProblems, type YamlProblem, type YamlTree } from "./yaml-tree.ts";
