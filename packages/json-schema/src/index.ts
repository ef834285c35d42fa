export { canonicalText } from "./canonical-text.ts";
export { CLASSIFICATION, type ClassifiedSpot, SchemaClassification } from "./classification.ts";
export { type Gap, readingGaps } from "./comparison/reading-gaps.ts";
export { mapSubschemas, subschemas } from "./keywords.ts";
export { describesOnly, insteadOf, isKnownKeyword, KNOWN_FORMATS, knownKeywords } from "./known-keywords.ts";
export { LinearPattern } from "./linear-pattern.ts";
export { SchemaReferences } from "./references.ts";
export { lead, type SchemaScope, sameSchema } from "./schema-conjuncts.ts";
export {
  type Draft,
  isObject,
  type JsonObject,
  parseSchemaDocument,
  type SchemaDocument,
  withoutEmptyFragment,
} from "./schema-document.ts";
export { type ReportFault, type SchemaFault, throwFault } from "./schema-fault.ts";
export { allViolations, checkReferences, SchemaValidators } from "./validator.ts";
export type { BrokenRule } from "./violations.ts";
