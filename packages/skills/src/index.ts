export { writeNewFiles } from "./new-files.ts";
export { readCases } from "./scenario/cases/case-file.ts";
export { type CaseResult, runScenarioCase } from "./scenario/cases/run-case.ts";
export { checkScenarios } from "./scenario/check/check-scenario.ts";
export type { ScenarioContext } from "./scenario/check/checking.ts";
export { compileScenario, type Scenario, type Step, scenarioHash } from "./scenario/engine/compile.ts";
export { type Decision, decide, type ScenarioInput } from "./scenario/engine/decide.ts";
export {
  decideRun,
  pendingEffects,
  type RunDecision,
  startRun,
  wakeOfRun,
} from "./scenario/engine/decide-run.ts";
export {
  decideTriggers,
  type TriggerDecision,
  type TriggerInput,
  wakeOfTriggers,
} from "./scenario/engine/decide-triggers.ts";
export type { RunInput } from "./scenario/engine/executing.ts";
export { DEPTH_HEADER, MAX_DEPTH, RING_HEADER } from "./scenario/engine/ids.ts";
export {
  type ConditionRecord,
  type Effect,
  newScenarioState,
  RUN_OUTCOMES,
  type Run,
  type RunLogEntry,
  type RunOutcome,
  type RunTrigger,
  type ScenarioState,
  type SequenceCursor,
  SKIP_CAUSES,
  type Skip,
  type SkipCause,
  type Start,
  type StepCursor,
  type TriggerState,
} from "./scenario/engine/state.ts";
export { casesFileOf, findScenarios } from "./scenario/file/find-scenarios.ts";
export { type NewScenario, planScenario } from "./scenario/file/new-scenario.ts";
export {
  readScenario,
  type ScenarioFile,
  type ScenarioProblem,
  scenarioFile,
} from "./scenario/file/read-scenario.ts";
export { type Asked, askRetry, askRun } from "./scenario/runtime/asked.ts";
export type { EffectResult, ScenarioWorld } from "./scenario/runtime/outside.ts";
export { patternsReadBy } from "./scenario/runtime/patterns.ts";
export {
  type BrokenScenario,
  type FoundScenarios,
  ScenarioFiles,
} from "./scenario/runtime/scenario-files.ts";
export { ScenarioHost, type ScenarioStanding } from "./scenario/runtime/scenario-host.ts";
export { ScenarioRunner, type ScenarioRunnerOptions } from "./scenario/runtime/scenario-runner.ts";
export type { SkipRecord } from "./scenario/runtime/skip-log.ts";
export { type StoredTriggers, stateKey, withAsked } from "./scenario/runtime/stored-scenario.ts";
export { type CheckedSkill, checkSkill, type SkillRights } from "./skill/file/check-skill.ts";
export { findSkills } from "./skill/file/find-skills.ts";
export {
  planSkill,
  SKILL_LANGUAGES,
  type SkillLanguage,
} from "./skill/file/new-skill.ts";
export {
  readSkill,
  type SkillDefinition,
  type SkillFile,
  type SkillProblem,
  skillProblemText,
} from "./skill/file/read-skill.ts";
export { InstallService } from "./skill/install/install-service.ts";
export { nodeRuntime, type Runtime } from "./skill/process/launch.ts";
export type { LogSource, SkillLogLine } from "./skill/process/skill-log.ts";
export type { SkillBus, SkillLogSink, SkillPort } from "./skill/run/skill-port.ts";
export type { SkillState, SkillStatus } from "./skill/run/skill-state.ts";
export { MemberSkillFiles } from "./skill/set/member-files.ts";
export { SkillSet } from "./skill/set/skill-set.ts";
export {
  runTrial,
  type TrialCase,
  type TrialOptions,
  type TrialPublish,
  type TrialReport,
} from "./skill/trial/run-trial.ts";
