import { scenarioFile } from "@adaos/skills";

/** Lines of a text, from 1, both included. */
export interface StepLines {
  readonly first: number;
  readonly last: number;
}

/** Where steps stand in a scenario's text, by their paths; all turns of a repetition have the same lines. Pure. */
export function stepLinesOf(text: string): (step: string) => StepLines | undefined {
  const file = scenarioFile(text, "scenario.yaml");
  const lines = text.split("\n");
  return (step) => {
    const path = pathOfStep(step);
    if (path === undefined || file.definition === undefined) return undefined;
    const { line: first, column } = file.problemAt(path, "");
    return { first, last: endOf(lines, first, column) };
  };
}

const PART = /^([a-zA-Z]+)(?:#\d+)?((?:\[\d+\])*)$/;

/** `effects[1].repeat#3[0]` as the path of its value: turns have the same text. Pure. */
export function pathOfStep(step: string): (string | number)[] | undefined {
  const path: (string | number)[] = [];
  for (const part of step.split(".")) {
    const [, key = "", indices = ""] = PART.exec(part) ?? [];
    if (key === "") return undefined;
    path.push(key, ...[...indices.matchAll(/\d+/g)].map(([digits]) => Number(digits)));
  }
  return path;
}

/** What is indented as far as the step's first key belongs to it, and so do empty lines within. */
function endOf(lines: readonly string[], first: number, column: number): number {
  let last = first;
  for (let line = first + 1; line <= lines.length; line++) {
    const text = lines[line - 1] ?? "";
    if (text.trim() === "") continue;
    if (text.length - text.trimStart().length < column - 1) break;
    last = line;
  }
  return last;
}
