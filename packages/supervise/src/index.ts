export { applyUpdate, isSameUpdate, neededSupervisor, planUpdate } from "./apply/apply-policy.ts";
export { whileLocked } from "./apply/change-lock.ts";
export { addMember, type MemberChange, removeMember, rotateKey } from "./apply/change-members.ts";
export { notAtTheirFiles } from "./apply/in-force.ts";
export { lackingSignatureKeys } from "./apply/lacking-signature-keys.ts";
export { type Move, movesOf } from "./apply/moves.ts";
export {
  declaredHere,
  declaredPolicy,
  notInForce,
  runningPolicy,
  unreached,
} from "./apply/running-policy.ts";
export { type TimerChange, timerChangesOf } from "./apply/timer-changes.ts";
export { askIncidents, type CountedIncidents } from "./ask-incidents.ts";
export { askProbes, type NodeProbes } from "./ask-probes.ts";
export { askSkills, type NodeSkills } from "./ask-skills.ts";
export { askHealth, type ComponentHealth, type MeshHealth } from "./health.ts";
export { invite, revoke } from "./join/invite.ts";
export { openJoinHandler } from "./join/join-handler.ts";
export { joinMesh } from "./join/join-mesh.ts";
export type { RunningMesh } from "./kept-mesh.ts";
export {
  resumeMesh,
  runningSupervisor,
  startMesh,
  waitUntilReady,
  whyBroken,
} from "./local-mesh.ts";
export { askOutboxes, withOutboxes } from "./outboxes.ts";
export {
  type ProcessRecord,
  readProcessTable,
  runningProcesses,
  SUPERVISOR,
  signalProcess,
} from "./processes/process-table.ts";
export { stopProcesses } from "./processes/stop-processes.ts";
export { NODE_FLAGS } from "./processes/supervisor.ts";
export { approveRegistry, judgeRegistry, untilRegistryInForce } from "./registry-in-force.ts";
export { readRunFile } from "./run-file.ts";
export { remoteScrapeTargets, scrapeTargets } from "./scrape-targets.ts";
export { type Asked, untilAsked } from "./until-asked.ts";
export {
  FAULT_INJECTED,
  type PastFault,
  type PastRecovery,
  type PastRestart,
  type ResiliencePast,
  readResiliencePast,
} from "./watch/resilience-past.ts";
