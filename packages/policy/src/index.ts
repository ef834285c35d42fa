export { askPolicy, type PolicyInquiry, unknownEvent } from "./ask-policy.ts";
export { diffPolicies, type PolicyChange, type PolicyState } from "./diff-policy.ts";
export { type HolderRights, type HolderRule, holderRights } from "./holder-rights.ts";
export { type AskedEvent, eventHop, type Hop, hopAsJson, passes, subscribeHop } from "./hops.ts";
export { lintPolicy, writtenRules } from "./lint-policy.ts";
export { type LoadedPolicy, loadPolicy, placeOfAnswer, policyOf } from "./load-policy.ts";
export { readPolicyCases, runCases, untestedRules, usualCasesFile } from "./policy-cases.ts";
