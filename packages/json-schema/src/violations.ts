import type { Violation } from "@adaos/core";
import { escapePointer } from "@adaos/core/wire";
import type { ErrorObject } from "ajv";

const MAX_VIOLATIONS = 20;
/** Names come from strangers' data: one long key must not fill a log. */
const MAX_POINTER_LENGTH = 500;
const MAX_VALUE_LENGTH = 200;

/** The validator's errors in our words, at most 20; the deepest first, since it is the most specific. Pure. */
export function toViolations(errors: readonly ErrorObject[]): Violation[] {
  return errors
    .map(toViolation)
    .sort((a, b) => depthOf(b.pointer) - depthOf(a.pointer))
    .slice(0, MAX_VIOLATIONS)
    .map(({ pointer, expected }) => ({ pointer: cut(pointer, MAX_POINTER_LENGTH), expected }));
}

/** A rule of a schema that data breaks. */
export interface BrokenRule {
  /** JSON pointer into the data, also to a missing value. */
  readonly pointer: string;
  /** The schema's keyword. */
  readonly keyword: string;
}

/** As {@link toViolations}, by the keywords. Pure. */
export function toBrokenRules(errors: readonly ErrorObject[]): BrokenRule[] {
  return errors
    .slice(0, MAX_VIOLATIONS)
    .map((error) => ({ pointer: toViolation(error).pointer, keyword: error.keyword }));
}

function depthOf(pointer: string): number {
  return pointer.split("/").length;
}

function toViolation(error: ErrorObject): Violation {
  const { instancePath, keyword } = error;
  const params: Readonly<Record<string, unknown>> = error.params;
  const child = (name: unknown): string => `${instancePath}/${escapePointer(String(name))}`;
  // Set while the schema of `propertyNames` judges a name as data.
  if (error.propertyName !== undefined) {
    return { pointer: child(error.propertyName), expected: `has a name that ${messageOf(error)}` };
  }
  switch (keyword) {
    case "required":
      return { pointer: child(params["missingProperty"]), expected: "is required" };
    case "dependencies":
    case "dependentRequired":
      return {
        pointer: child(params["missingProperty"]),
        expected: `is required beside ${cut(JSON.stringify(params["property"]), MAX_VALUE_LENGTH)}`,
      };
    case "additionalProperties":
      return { pointer: child(params["additionalProperty"]), expected: "is no property of the schema" };
    case "unevaluatedProperties":
      return { pointer: child(params["unevaluatedProperty"]), expected: "is no property of the schema" };
    case "propertyNames":
      return {
        pointer: child(params["propertyName"]),
        expected: "has a name that the schema does not allow",
      };
    default:
      return { pointer: instancePath, expected: messageOf(error) };
  }
}

function messageOf({ keyword, params, message }: ErrorObject): string {
  switch (keyword) {
    case "enum":
      return `must be one of ${listOf(params["allowedValues"])}`;
    case "const":
      return `must be ${listOf([params["allowedValue"]])}`;
    case "type":
      return `must be ${[params["type"]].flat().join(" or ")}`;
    case "false schema":
      return "must be absent";
    default:
      return cut(message ?? `must satisfy ${keyword}`, MAX_VALUE_LENGTH);
  }
}

function listOf(values: readonly unknown[]): string {
  return cut(values.map((value) => JSON.stringify(value)).join(", "), MAX_VALUE_LENGTH);
}

function cut(text: string, maxLength: number): string {
  return text.length > maxLength ? `${text.slice(0, maxLength - 3)}...` : text;
}
