export { checkItem, type ItemVerdict, looksLikeEnvelope } from "./check/check-item.ts";
export { readItems } from "./check/read-items.ts";
export type { GateChange, GateFault } from "./gate/decide-gate.ts";
export {
  type FolderJudgement,
  type FolderReading,
  type JudgedFolder,
  judgeFolder,
  type ServedRegistry,
} from "./gate/judge-folder.ts";
export { makeDist } from "./generate/dist.ts";
export { generateIndex } from "./generate/generate-index.ts";
export { generateTypes } from "./generate/generate-types.ts";
export { planImport } from "./import/plan-import.ts";
export type { Finding } from "./lint/findings.ts";
export { lintRegistry } from "./lint/lint-registry.ts";
export { applyPack, diffPack } from "./pack/apply-pack.ts";
export { LLM_HINTS } from "./pack/llm-hints.ts";
export { planPack } from "./pack/plan-pack.ts";
export { readEventDocs } from "./pack/read-event-docs.ts";
export { readReleased } from "./release/read-released.ts";
export { formatLock, LOCK_FILE, lockFaults, parseLock } from "./release/registry-lock.ts";
export { applyContracts } from "./scaffold/apply-contracts.ts";
export { planScaffold } from "./scaffold/plan-scaffold.ts";
