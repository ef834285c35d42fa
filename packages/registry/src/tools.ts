// For those who make and check registries. Apart from the rest: a daemon lives long, and needs none of it.
export {
  compareRegistries,
  type EventChange,
  isBreaking,
  type ReleasedEvent,
  releasedEvents,
} from "./compare-registries.ts";
export { type Dist, makeDist } from "./dist.ts";
export type { GateChange, GateFault } from "./gate/decide-gate.ts";
export {
  type FolderJudgement,
  type FolderReading,
  type JudgedFolder,
  judgeFolder,
  type ServedRegistry,
} from "./gate/judge-folder.ts";
export { type ImportOptions, type ImportPlan, planImport } from "./import/plan-import.ts";
export { itemsIn, placeAt, placeInJson, placeOfSyntaxError } from "./json-places.ts";
export { DIST_FOLDER } from "./layout.ts";
export type { Finding } from "./lint/findings.ts";
export { type LintOptions, type LintReport, lintRegistry } from "./lint/lint-registry.ts";
export { LINT_RULES, type LintRule, type Severity } from "./lint/rules.ts";
export { applyPack, diffPack, type PackChanges } from "./pack/apply-pack.ts";
export { LLM_HINTS } from "./pack/llm-hints.ts";
export { type PackPlan, planPack } from "./pack/plan-pack.ts";
export { readEventDocs } from "./pack/read-event-docs.ts";
export type { Gap } from "./reading-gaps.ts";
export { formatLock, LOCK_FILE, lockFaults, parseLock } from "./registry-lock.ts";
export { applyContracts } from "./scaffold/apply-contracts.ts";
export type { ContractsPlan } from "./scaffold/plan-contracts.ts";
export { planScaffold } from "./scaffold/plan-scaffold.ts";
export type { NewContract } from "./scaffold/templates.ts";
