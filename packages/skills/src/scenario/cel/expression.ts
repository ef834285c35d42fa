import { RecentMap } from "@adaos/core/wire";
import type { ParseResult } from "@marcbachmann/cel-js";
import { RUNTIME, resetVisits } from "./environment.ts";
import { ExpressionError, expressionError } from "./expression-error.ts";
import { type FieldPath, pathsOf } from "./field-paths.ts";
import { type Secured, secured } from "./secure.ts";

/** What expressions see: variables of `VARIABLES` by name. */
export type Scope = Readonly<Record<string, unknown>>;

/** Values in records of conditions are cut to this. */
const MAX_SHOWN_LENGTH = 100;
/** And so many of them are shown. */
const MAX_SHOWN = 10;

/** One compiled expression in CEL. Evaluating it is pure: neither time nor anything outside of its scope. */
export class Expression {
  readonly text: string;
  /** The fields that it reads. */
  readonly paths: readonly FieldPath[];
  readonly #run: ParseResult;
  readonly #source: Secured;
  readonly #shown: readonly [text: string, path: readonly string[]][];

  /** Throws {@link ExpressionError}: no CEL, an unknown variable or function, types that never fit. */
  constructor(text: string) {
    this.text = text;
    const { ast } = parsed(text);
    this.paths = pathsOf(ast);
    this.#source = secured(text, ast);
    this.#run = parsed(this.#source.text);
    const checked = this.#run.check();
    if (!checked.valid) throw expressionError(checked.error, this.#source.offsetOf);
    const shown = new Map(
      this.paths
        .filter(({ steps }) => steps.every(({ field }) => field !== undefined))
        .map(({ root, steps }) => {
          const path = [root, ...steps.map(({ field }) => field ?? "")];
          return [path.join("."), path] as const;
        }),
    );
    this.#shown = [...shown].slice(0, MAX_SHOWN);
  }

  /** Throws {@link ExpressionError} where it has no value. */
  evaluate(scope: Scope): unknown {
    resetVisits();
    try {
      return this.#run(scope);
    } catch (thrown) {
      throw expressionError(thrown, this.#source.offsetOf);
    }
  }

  /** As {@link evaluate}, of a condition. */
  test(scope: Scope): boolean {
    const value = this.evaluate(scope);
    if (typeof value === "boolean") return value;
    throw new ExpressionError(`must be true or false, is ${typeName(value)}`);
  }

  /** The fields that it reads, with their values in this scope; absent ones are left out. */
  values(scope: Scope): Record<string, unknown> {
    const found: Record<string, unknown> = {};
    for (const [text, path] of this.#shown) {
      let value: unknown = scope;
      for (const field of path) {
        value =
          typeof value === "object" && value !== null && Object.hasOwn(value, field)
            ? (value as Record<string, unknown>)[field]
            : undefined;
      }
      if (value !== undefined) found[text] = shownValue(value);
    }
    return found;
  }
}

const compiled = new RecentMap<string, Expression>(2000);

/** As the constructor; the same text gives the same expression. */
export function expressionOf(text: string): Expression {
  const known = compiled.get(text);
  if (known !== undefined) return known;
  const made = new Expression(text);
  compiled.set(text, made);
  return made;
}

function parsed(text: string): ParseResult {
  try {
    return RUNTIME.parse(text);
  } catch (thrown) {
    throw expressionError(thrown);
  }
}

function shownValue(value: unknown): unknown {
  if (typeof value === "string")
    return value.length > MAX_SHOWN_LENGTH ? `${value.slice(0, MAX_SHOWN_LENGTH)}...` : value;
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== "object" || value === null) return typeof value === "bigint" ? Number(value) : value;
  return Array.isArray(value) ? `a list of ${value.length}` : `a map of ${Object.keys(value).length}`;
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `a ${typeof value === "object" ? "map" : typeof value}`;
}
