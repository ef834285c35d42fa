export { type MadeCertificate, makeCertificate } from "./certificates/make-certificate.ts";
export { appliedNow, noteApplied } from "./join/applied.ts";
export { type Invitation, Invitations } from "./join/invitations.ts";
export { type JoinCode, makeJoinCode, parseJoinCode } from "./join/join-code.ts";
export { type JoinedFile, readJoinedFile, writeJoinedFile } from "./join/joined-file.ts";
export { joinedCertificateFiles } from "./join/joined-files.ts";
export { forgetJoined, idOfKey, type Machine, Machines } from "./join/machines.ts";
export { offerOf, planAdmission } from "./join/plan-admission.ts";
export {
  type Admission,
  admissionSchema,
  type FollowAnswer,
  type FollowRequest,
  followSchema,
  type JoinRequest,
  lookAgainSchema,
  MACHINE_KEY,
  noneSchema,
  type Offer,
  type OwnCertificates,
  offerSchema,
  openAnswer,
  openRequest,
  type Request,
  sealAnswer,
  signRequest,
  type Wait,
} from "./join/protocol.ts";
export { KeyRing, leafKeyName, memberKeyName, signatureKeyPath } from "./keys/keys.ts";
export { NodeSignatures } from "./keys/node-signatures.ts";
export {
  findLayout,
  type Layout,
  meshFileIn,
  type NodeLayout,
  noServer,
  portsName,
  processesFile,
  readLayout,
  restoreLayout,
  type ServerLayout,
  serverOf,
  serverProcesses,
  storeDirOf,
  whose,
  writeLayout,
} from "./layout.ts";
export { meshFileOf } from "./mesh-file-of.ts";
export { groupParts, type Part, partsOf, writePart } from "./parts.ts";
export type { Plan } from "./plan.ts";
export { regionKey } from "./plan-regions.ts";
export { assertPortsFree, assertScrapePortsFree } from "./ports.ts";
export { assertStoreKeys, localPorts, localScrapes, pickPorts, planAgain, provision } from "./provision.ts";
export { type Invited, invitedProblem, isRemote, isRemoteMember, remoteKeyNameOf } from "./remote.ts";
