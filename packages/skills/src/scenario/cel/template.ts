import { isObject } from "@adaos/json-schema";
import type { Optional } from "@marcbachmann/cel-js";
import { type Expression, expressionOf, type Scope } from "./expression.ts";
import { ExpressionError } from "./expression-error.ts";

/** An expression in a text, and its offset there. */
export interface TemplatePart {
  readonly text: string;
  readonly offset: number;
}

/** A text that may have `${CEL}`. Plain parts and expressions in their order. */
export interface Template {
  readonly parts: readonly (string | TemplatePart)[];
}

/** Reads a text with `${CEL}`; `$${` is a plain `${`. Throws {@link ExpressionError}. Pure. */
export function parseTemplate(text: string): Template {
  const parts: (string | TemplatePart)[] = [];
  let plain = "";
  for (let at = 0; at < text.length; ) {
    if (text.startsWith("$${", at)) {
      plain += "${";
      at += 3;
    } else if (text.startsWith("${", at)) {
      const end = endOfExpression(text, at + 2);
      if (end < 0) throw new ExpressionError("the expression that begins here has no } at its end", at);
      if (plain !== "") parts.push(plain);
      plain = "";
      parts.push({ text: text.slice(at + 2, end), offset: at + 2 });
      at = end + 1;
    } else plain += text[at++];
  }
  if (plain !== "" || parts.length === 0) parts.push(plain);
  return { parts };
}

/** The `}` that ends an expression: braces and quotes within it count. */
function endOfExpression(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (char === '"' || char === "'") {
      at = endOfQuote(text, at);
      if (at < 0) return -1;
    } else if (char === "{") depth++;
    else if (char === "}" && depth-- === 0) return at;
  }
  return -1;
}

function endOfQuote(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === text[start]) return at;
  }
  return -1;
}

/** A compiled value of a file: data in which texts may have `${CEL}`. */
export type Value = (scope: Scope) => unknown;

/** Compiles a value. Throws {@link ExpressionError}; evaluating it throws the same where an expression has no value. */
export function compileValue(value: unknown): Value {
  if (typeof value === "string") return compileText(value);
  if (Array.isArray(value)) {
    const items = value.map(compileValue);
    return (scope) => items.map((item) => item(scope));
  }
  if (isObject(value)) {
    const fields = Object.entries(value).map(([key, inner]) => [key, compileValue(inner)] as const);
    return (scope) => Object.fromEntries(fields.map(([key, inner]) => [key, inner(scope)]));
  }
  return () => value;
}

function compileText(text: string): Value {
  const { parts } = parseTemplate(text);
  const compiled = parts.map((part) => (typeof part === "string" ? part : expressionOf(part.text)));
  const [first, second] = compiled;
  if (second === undefined && first !== undefined)
    return typeof first === "string" ? () => first : (scope) => resultOf(first, scope);
  return (scope) =>
    compiled.map((part) => (typeof part === "string" ? part : textOf(resultOf(part, scope)))).join("");
}

function resultOf(expression: Expression, scope: Scope): unknown {
  try {
    return toJson(expression.evaluate(scope));
  } catch (thrown) {
    if (!(thrown instanceof ExpressionError)) throw thrown;
    throw new ExpressionError(`\${${expression.text}}: ${thrown.message}`);
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

const MAX_DEPTH = 50;

/** A value of CEL as JSON: whole numbers as numbers, times as RFC 3339. Throws {@link ExpressionError}. Pure. */
export function toJson(value: unknown, depth = 0): unknown {
  if (depth > MAX_DEPTH) throw new ExpressionError(`its value nests deeper than ${MAX_DEPTH}`);
  switch (typeof value) {
    case "bigint":
      return safeNumber(Number(value));
    case "number":
      return safeNumber(value);
    case "string":
    case "boolean":
      return value;
    default:
      return value === null ? null : objectToJson(value, depth + 1);
  }
}

function objectToJson(value: unknown, depth: number): unknown {
  if (Array.isArray(value)) return value.map((item) => toJson(item, depth));
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, inner]) => [String(key), toJson(inner, depth)]));
  if (isObject(value) && isPlain(value))
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toJson(inner, depth)]));
  if (isOptional(value)) return value.hasValue() ? toJson(value.value(), depth) : null;
  if (isDuration(value)) return `${Number(value.getMilliseconds()) / 1000}s`;
  const primitive: unknown = value?.valueOf();
  if (typeof primitive === "bigint") return safeNumber(Number(primitive));
  throw new ExpressionError("its value is no JSON");
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function isOptional(value: unknown): value is Optional {
  return typeof value === "object" && value !== null && "hasValue" in value && "orValue" in value;
}

/** The library does not declare its class. */
function isDuration(value: unknown): value is { getMilliseconds(): bigint } {
  return typeof value === "object" && value !== null && "getMilliseconds" in value;
}

function safeNumber(value: number): number {
  if (Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value;
  throw new ExpressionError(`its value is ${value}, which JSON cannot hold`);
}
