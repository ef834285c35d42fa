import formats from "ajv-formats/dist/formats.js";
import type { Draft } from "../schema-document.ts";

const BOTH =
  "$id $schema $ref $comment title description default examples readOnly writeOnly deprecated type enum const multipleOf " +
  "maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern items contains maxItems minItems " +
  "uniqueItems maxProperties minProperties required properties patternProperties additionalProperties propertyNames if " +
  "then else allOf anyOf oneOf not format contentMediaType contentEncoding definitions $defs";

/** The keywords that the validator obeys or that are annotations, by draft. */
const KNOWN: Readonly<Record<Draft, ReadonlySet<string>>> = {
  "2020-12": new Set(
    `${BOTH} $anchor prefixItems minContains maxContains dependentRequired dependentSchemas unevaluatedItems unevaluatedProperties contentSchema`.split(
      " ",
    ),
  ),
  "draft-07": new Set(`${BOTH} additionalItems dependencies`.split(" ")),
};

/** Replacements for keywords of other drafts and dialects, which the validator ignores. */
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

/** Annotations: they may be beside `$ref` in draft-07, where other keywords are ignored. */
const DESCRIBING: ReadonlySet<string> = new Set(
  "$ref $id $schema $comment title description default examples readOnly writeOnly deprecated definitions $defs".split(
    " ",
  ),
);

export function isKnownKeyword(keyword: string, draft: Draft): boolean {
  // `x-` is for extensions; validators ignore it.
  return KNOWN[draft].has(keyword) || keyword.startsWith("x-");
}

export function describesOnly(keyword: string): boolean {
  return DESCRIBING.has(keyword) || keyword.startsWith("x-");
}

export function knownKeywords(draft: Draft): readonly string[] {
  return [...KNOWN[draft]];
}

/** The replacement of a keyword that is known from elsewhere. */
export function insteadOf(keyword: string, draft: Draft): string | undefined {
  const other = KNOWN[draft === "2020-12" ? "draft-07" : "2020-12"];
  return INSTEAD.get(keyword) ?? (other.has(keyword) ? `${keyword} with the other $schema` : undefined);
}

/** The formats that the validator asserts; it ignores others. */
export const KNOWN_FORMATS: readonly string[] = Object.keys(formats.fullFormats);
