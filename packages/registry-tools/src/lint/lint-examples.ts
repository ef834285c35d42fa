import type { Place } from "@adaos/config";
import { placeInJson, placeOfSyntaxError } from "@adaos/config";
import { messageOf, repeatedKey } from "@adaos/core/wire";
import type { BrokenRule, SchemaDocument, SchemaValidators } from "@adaos/json-schema";
import { type InvalidExample, invalidExampleSchema } from "../invalid-example.ts";
import type { LintRule } from "./rules.ts";

/** Reports a problem of an example. */
export type TellExample = (rule: LintRule, place: () => Place, message: string, suggestion?: string) => void;

/** Checks that a valid example is valid. Pure. */
export function lintExample(
  text: string,
  document: SchemaDocument | undefined,
  validators: SchemaValidators,
  tell: TellExample,
): void {
  const parsed = parse(text, tell);
  if (parsed === undefined || document === undefined) return;
  for (const { pointer, expected } of validators.validatorOf(document)(parsed.value).violations) {
    tell("example-invalid", () => placeInJson(text, pointer), `${pointer || "the data"} ${expected}`);
  }
}

/** Checks that an invalid example breaks the rule that its file names. Pure. */
export function lintInvalidExample(
  text: string,
  document: SchemaDocument | undefined,
  validators: SchemaValidators,
  tell: TellExample,
): void {
  const parsed = parse(text, tell);
  if (parsed === undefined) return;
  const checked = invalidExampleSchema.safeParse(parsed.value);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    const at = `/${(issue?.path ?? []).join("/")}`;
    const told = `must be { "error": { "pointer", "keyword" }, "data" }: ${at} ${issue?.message ?? ""}`;
    tell("invalid-example-form", () => placeInJson(text, at === "/" ? "" : at), told);
    return;
  }
  if (document === undefined) return;
  lintError(text, checked.data, validators.brokenRules(document, checked.data.data), tell);
}

function lintError(
  text: string,
  { error }: InvalidExample,
  broken: readonly BrokenRule[],
  tell: TellExample,
): void {
  if (broken.length === 0) {
    tell("invalid-example-valid", () => placeInJson(text, "/data"), "the schema takes this data for valid");
    return;
  }
  if (broken.some(({ pointer, keyword }) => pointer === error.pointer && keyword === error.keyword)) return;
  const told = `the data breaks another rule than ${JSON.stringify(error)}`;
  tell("invalid-example-error", () => placeInJson(text, "/error"), told, JSON.stringify(broken[0]));
}

function parse(text: string, tell: TellExample): { readonly value: unknown } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    tell("example-json", () => placeOfSyntaxError(text), `not JSON: ${messageOf(thrown)}`);
    return undefined;
  }
  const repeated = repeatedKey(text);
  if (repeated === undefined) return { value };
  const told = `the key ${JSON.stringify(repeated.slice(0, 80))} is not unique; remove one`;
  tell("example-json", () => ({ line: 1, column: 1 }), told);
  return undefined;
}
