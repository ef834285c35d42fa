// For those who make and check registries. Apart from the rest: a daemon lives long, and needs none of it.
export type { Finding } from "./lint/findings.ts";
export { type LintOptions, type LintReport, lintRegistry } from "./lint/lint-registry.ts";
export { LINT_RULES, type LintRule, type Severity } from "./lint/rules.ts";
