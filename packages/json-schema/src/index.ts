export { allOfBranches, type Branch, lead, type SchemaScope, sameSchema } from "./all-of-branches.ts";
export { canonicalText } from "./canonical-text.ts";
export { type Gap, readingGaps } from "./comparison/reading-gaps.ts";
export { CLASSIFICATION, type ClassifiedSpot, SchemaClassification } from "./keywords/classification.ts";
export { mapSubschemas, subschemas } from "./keywords/keywords.ts";
export {
  describesOnly,
  insteadOf,
  isKnownKeyword,
  KNOWN_FORMATS,
  knownKeywords,
} from "./keywords/known-keywords.ts";
export { LinearPattern } from "./keywords/linear-pattern.ts";
export { SchemaReferences } from "./references.ts";
export {
  type Draft,
  isObject,
  type JsonObject,
  parseSchemaDocument,
  type SchemaDocument,
  withoutEmptyFragment,
} from "./schema-document.ts";
export { type ReportFault, type SchemaFault, throwFault } from "./schema-fault.ts";
export { type AllViolations, allViolations, checkReferences, SchemaValidators } from "./validator.ts";
export type { BrokenRule } from "./violations.ts";
