import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { Reporter, SerializedError, TestCase, TestModule, TestSuite } from "vitest/node";

const SLOWEST = 10;
/**
 * fast-check's seed and counterexample are at the head of a message, which may contain a whole envelope further on.
 */
const MAX_MESSAGE_LENGTH = 4000;
const MAX_STACK_LINES = 4;

/**
 * Prints a failure the moment it happens, and the slowest files at the end. Names the files that failed in
 * `ADAOS_FAILED_FILES`, a line each. Used beside vitest's own reporter.
 */
export default class FailuresAtOnce implements Reporter {
  onTestCaseResult(test: TestCase): void {
    const { state, errors } = test.result();
    if (state === "failed") print(`${nameOf(test.module)} > ${test.fullName}`, errors);
  }

  /** A failed hook. */
  onTestSuiteResult(suite: TestSuite): void {
    print(`${nameOf(suite.module)} > ${suite.fullName}`, suite.errors());
  }

  /** A file that could not be read, or whose outermost hook failed. */
  onTestModuleEnd(module: TestModule): void {
    print(nameOf(module), module.errors());
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const file = process.env["ADAOS_FAILED_FILES"];
    const failed = modules.filter((module) => !module.ok()).map(nameOf);
    if (file !== undefined) writeFileSync(file, failed.map((name) => `${name}\n`).join(""));
    if (modules.length <= 1) return;
    const lines = slowest(modules.map((module) => [nameOf(module), durationMsOf(module)]));
    console.error(`\nThe slowest files, in seconds:\n${lines.join("\n")}`);
  }
}

/** Lines for the slowest files, the slowest first. Pure. */
export function slowest(files: readonly (readonly [name: string, durationMs: number])[]): string[] {
  return files
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, SLOWEST)
    .map(([name, durationMs]) => `${(durationMs / 1000).toFixed(1).padStart(7)}  ${name}`);
}

/** The text of one failure. Pure. */
export function failureText(
  name: string,
  { message, stack }: Pick<SerializedError, "message" | "stack">,
): string {
  const frames = (stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  const text = stripVTControlCharacters(message);
  const shown = text.length > MAX_MESSAGE_LENGTH ? `${text.slice(0, MAX_MESSAGE_LENGTH)}...` : text;
  return [`\nFAILED ${name}`, shown, ...frames.slice(0, MAX_STACK_LINES)].join("\n");
}

function print(name: string, errors: readonly SerializedError[] = []): void {
  for (const error of errors) console.error(failureText(name, error));
}

function nameOf(module: TestModule): string {
  return relative(process.cwd(), module.moduleId);
}

function durationMsOf(module: TestModule): number {
  const { collectDuration, duration } = module.diagnostic();
  return collectDuration + duration;
}
