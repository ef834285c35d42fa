export type { Finding, Scene } from "./check.ts";
export { CHECK_GROUPS } from "./checks.ts";
export { diagnose } from "./diagnose.ts";
export type { CheckResult, Diagnosis, GroupFinding } from "./examine.ts";
