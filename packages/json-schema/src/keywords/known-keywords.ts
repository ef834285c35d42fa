import formats from "ajv-formats/dist/formats.js";
import type { Draft } from "../schema-document.ts";

const BOTH =
  "$id $schema $ref $comment title description default examples readOnly writeOnly deprecated type enum const multipleOf " +
  "maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern items contains maxItems minItems " +
  "uniqueItems maxProperties minProperties required properties patternProperties additionalProperties propertyNames if " +
  "then else allOf anyOf oneOf not format contentMediaType contentEncoding definitions $defs";

/** The keywords that the validator acts on or that only describe, by draft. */
const KNOWN: Readonly<Record<Draft, ReadonlySet<string>>> = {
  "2020-12": new Set(
    `${BOTH} $anchor prefixItems minContains maxContains dependentRequired dependentSchemas unevaluatedItems unevaluatedProperties contentSchema`.split(
      " ",
    ),
  ),
  "draft-07": new Set(`${BOTH} additionalItems dependencies`.split(" ")),
};

/** What to write instead of keywords of other drafts and dialects, which the validator passes over. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ["dependencies", "dependentRequired or dependentSchemas"],
  ["additionalItems", "prefixItems with items"],
  ["id", "$id"],
  ["nullable", 'a list of types with "null"'],
  ["$dynamicRef", "$ref"],
  ["$dynamicAnchor", "$anchor"],
  ["$vocabulary", "nothing; all keywords of the draft count"],
  ["$recursiveRef", "$ref"],
  ["$recursiveAnchor", "$anchor"],
  ["$async", "nothing; contracts are judged at once"],
  ["discriminator", "oneOf with a const in each branch"],
  ["formatMinimum", "minimum of a number"],
  ["formatMaximum", "maximum of a number"],
]);

/** Says only how the rest is meant; may stand beside `$ref` in draft-07, where nothing else counts. */
const DESCRIBING: ReadonlySet<string> = new Set(
  "$ref $id $schema $comment title description default examples readOnly writeOnly deprecated definitions $defs".split(
    " ",
  ),
);

export function isKnownKeyword(keyword: string, draft: Draft): boolean {
  // `x-` is for those who extend schemas, and no validator minds it.
  return KNOWN[draft].has(keyword) || keyword.startsWith("x-");
}

export function describesOnly(keyword: string): boolean {
  return DESCRIBING.has(keyword) || keyword.startsWith("x-");
}

export function knownKeywords(draft: Draft): readonly string[] {
  return [...KNOWN[draft]];
}

/** What to write instead, where the keyword is known from elsewhere. */
export function insteadOf(keyword: string, draft: Draft): string | undefined {
  const other = KNOWN[draft === "2020-12" ? "draft-07" : "2020-12"];
  return INSTEAD.get(keyword) ?? (other.has(keyword) ? `${keyword} with the other $schema` : undefined);
}

/** The formats that the validator asserts; others are passed over. */
export const KNOWN_FORMATS: readonly string[] = Object.keys(formats.fullFormats);
