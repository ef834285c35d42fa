export type { Finding, Scene } from "./check.ts";
export { CHECK_GROUPS } from "./checks.ts";
export { diagnose } from "./diagnose.ts";
export type { CheckResult, Diagnosis, GroupFinding } from "./examine.ts";
export { askProbeHealth, DAEMON_APP, type ProbesFound } from "./probes/probe-health.ts";
export { gatherUpgrade } from "./upgrade/gather-upgrade.ts";
export { planUpgrade, type UpgradeFinding, type UpgradePlan } from "./upgrade/plan-upgrade.ts";
export { whyQuestionOf } from "./why/question.ts";
export { openWitnesses } from "./why/witnesses.ts";
