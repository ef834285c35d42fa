import { resolve } from "node:path";
import { type Place, shownPath } from "@adaos/config";
import { LINT_RULES, type LintRule, type Severity } from "./rules.ts";

/** A broken rule and its place. */
export interface Finding {
  readonly rule: LintRule;
  readonly severity: Severity;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** The probably intended value. */
  readonly suggestion?: string;
}

/** Nobody reads more, and finding places takes time. Further findings are counted. */
const MAX_FINDINGS = 1000;
const MAX_MESSAGE_LENGTH = 400;
const START: Place = { line: 1, column: 1 };

/** Collects the findings of one registry: the first thousand in full, the rest as a number. */
export class Findings {
  readonly #dir: string;
  readonly #kept: Finding[] = [];
  readonly #counts: Record<Severity, number> = { error: 0, warning: 0 };
  readonly #errorsOnly: boolean;

  /** @param errorsOnly Warnings are neither kept nor counted. */
  constructor(dir: string, errorsOnly = false) {
    this.#dir = dir;
    this.#errorsOnly = errorsOnly;
  }

  get errors(): number {
    return this.#counts.error;
  }

  get warnings(): number {
    return this.#counts.warning;
  }

  /**
   * @param path Of the file, below the registry folder or absolute.
   * @param place Called only where the finding is kept.
   */
  add(rule: LintRule, path: string, place: () => Place, message: string, suggestion?: string): void {
    const severity = LINT_RULES[rule];
    if (this.#errorsOnly && severity !== "error") return;
    this.#counts[severity]++;
    if (this.#kept.length >= MAX_FINDINGS) return;
    const file = shownPath(resolve(this.#dir, path));
    const told = message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH)}...` : message;
    const meant = suggestion === undefined ? {} : { suggestion: suggestion.slice(0, MAX_MESSAGE_LENGTH) };
    this.#kept.push({ rule, severity, file, ...place(), message: told, ...meant });
  }

  /** A problem of a file as a whole. */
  addToFile(rule: LintRule, path: string, message: string, suggestion?: string): void {
    this.add(rule, path, () => START, message, suggestion);
  }

  /** Sorted by file, then by place. */
  sorted(): Finding[] {
    return this.#kept.toSorted(
      (a, b) => compare(a.file, b.file) || a.line - b.line || a.column - b.column || compare(a.rule, b.rule),
    );
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
