export { applyUpdate, isSameUpdate, neededSupervisor, planUpdate } from "./apply/apply-policy.ts";
export { whileLocked } from "./apply/change-lock.ts";
export { addMember, type MemberChange, removeMember, rotateKey } from "./apply/change-members.ts";
export { explainPolicy, explanationAsJson, type PolicyExplanation } from "./apply/explain-policy.ts";
export { notAtTheirFiles } from "./apply/in-force.ts";
export { lackingSignatureKeys } from "./apply/lacking-signature-keys.ts";
export { type Move, movesOf } from "./apply/moves.ts";
export {
  declaredHere,
  declaredPolicy,
  runningPolicy,
  unreached,
} from "./apply/running-policy.ts";
export { type TimerChange, timerChangesOf } from "./apply/timer-changes.ts";
export { type Followed, followRoot } from "./join/follow-root.ts";
export { invite, revoke } from "./join/invite.ts";
export { openJoinHandler } from "./join/join-handler.ts";
export { joinMesh } from "./join/join-mesh.ts";
export type { RunningMesh } from "./kept-mesh.ts";
export {
  resumeMesh,
  startMesh,
  waitUntilReady,
  whyBroken,
} from "./local-mesh.ts";
export { describeNode, type NodeDescription, type ServerDescription } from "./map/describe-node.ts";
export type {
  MapCarrier,
  MapLink,
  MapNode,
  MapRegion,
  MapServer,
  MapState,
  MeshMap,
} from "./map/mesh-map.ts";
export { MeshWatch } from "./map/mesh-watch.ts";
export { askScenarios, type NodeScenarios } from "./members/ask-scenarios.ts";
export { memberOfSkill, type SkillOfMember, skillsOfMembers } from "./members/member-skills.ts";
export { parseSkillLogLine, skillLogLines } from "./members/skill-log-lines.ts";
export { isSwitched, type SkillSwitch, storeSwitch, untilSwitched } from "./members/switch-skill.ts";
export { keptFor } from "./processes/left-children.ts";
export { NODE_FLAGS } from "./processes/node-flags.ts";
export {
  type ProcessRecord,
  readProcessTable,
  runningProcesses,
  runningSupervisor,
  SUPERVISOR,
  signalProcess,
  VIEWER,
} from "./processes/process-table.ts";
export { stopProcesses } from "./processes/stop-processes.ts";
export { type Provisioned, provisionMesh } from "./provision-mesh.ts";
export { approveRegistry, judgeRegistry, untilRegistryInForce } from "./registry-in-force.ts";
export { readRunFile } from "./run-file.ts";
export { remoteScrapeTargets, scrapeTargets } from "./scrape-targets.ts";
export { askIncidents, type CountedIncidents } from "./status/ask-incidents.ts";
export { askProbes, type NodeProbes } from "./status/ask-probes.ts";
export { askSkills, type NodeSkills } from "./status/ask-skills.ts";
export { askStatus } from "./status/ask-status.ts";
export { askHealth, type ComponentHealth, type MeshHealth } from "./status/health.ts";
export { askOutboxes, withOutboxes } from "./status/outboxes.ts";
export { type NodeProgram, programsOf } from "./status/programs.ts";
export { askRegions, type RegionStatus } from "./status/region-status.ts";
export { assertPlatform } from "./supported-platform.ts";
export {
  applyInstall,
  type InstallPlan,
  planInstall,
  startUnits,
  supervisorByHand,
} from "./systemd/install-units.ts";
export { asOwner, ownerOf } from "./systemd/owner.ts";
export { prepareServer } from "./systemd/prepare-server.ts";
export {
  applyUninstall,
  assertNoUnitsRun,
  planUninstall,
  restartForKey,
  unitsRunning,
} from "./systemd/uninstall-units.ts";
export { type Asked, untilAsked } from "./until-asked.ts";
export {
  FAULT_INJECTED,
  type PastFault,
  type PastRecovery,
  type PastRestart,
  type ResiliencePast,
  readResiliencePast,
} from "./watch/resilience-past.ts";
export { whileStopped } from "./while-stopped.ts";
