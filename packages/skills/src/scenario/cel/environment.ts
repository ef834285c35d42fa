import { localTimeOf, messageOf, quote, RecentMap } from "@adaos/core/wire";
import { LinearPattern } from "@adaos/json-schema";
import { Environment } from "@marcbachmann/cel-js";

const TIMESTAMP = "google.protobuf.Timestamp";

/** Variables of expressions, and what they are. */
export const VARIABLES: Readonly<Record<string, string>> = {
  event: "dyn",
  trigger: "dyn",
  now: TIMESTAMP,
  steps: "dyn",
  repeat: "dyn",
  run: "dyn",
  scenario: "dyn",
  key: "dyn",
  received: "dyn",
  error: "dyn",
};

/** Methods of the library that are replaced when an expression is compiled, by their number of arguments. */
export const REPLACED: ReadonlyMap<string, string> = new Map([
  // The library's own backtracks, and needs years for (a+)+$ and forty letters.
  ["matches/1", "matchesInLinearTime"],
  // The library's own takes 40 µs, and asks the zone of the machine on its way.
  ...["FullYear", "Month", "Date", "DayOfMonth", "DayOfWeek", "DayOfYear", "Hours", "Minutes", "Seconds"].map(
    (part) => [`get${part}/1`, `get${part}In`] as const,
  ),
  // The library's own depends on the zone of the machine.
  ["getDayOfYear/0", "getDayOfYearInUtc"],
]);

/** Elements that the macros of one evaluation may visit, all together. */
const MAX_VISITS = 10_000;

let visits = 0;

/** Before each evaluation. */
export function resetVisits(): void {
  visits = 0;
}

function bounded(list: unknown): unknown {
  if (Array.isArray(list)) visits += list.length;
  if (visits > MAX_VISITS) throw new Error(`visits more than ${MAX_VISITS} elements`);
  return list;
}

const patterns = new RecentMap<string, LinearPattern>(200);

/** Throws an Error that names the pattern. */
export function patternOf(text: string): LinearPattern {
  const known = patterns.get(text);
  if (known !== undefined) return known;
  try {
    const made = new LinearPattern(text);
    patterns.set(text, made);
    return made;
  } catch (cause) {
    throw new Error(`the pattern ${quote(text)} ${messageOf(cause)}`, { cause });
  }
}

function matches(text: string, pattern: string): boolean {
  return patternOf(pattern).test(text);
}

type Local = ReturnType<typeof localTimeOf>;

/** Parts of a time in a zone, numbered as in CEL: months and days of month, week and year from 0, dates from 1. */
const PARTS: Readonly<Record<string, (local: Local) => number>> = {
  FullYear: ({ year }) => year,
  Month: ({ month }) => month - 1,
  Date: ({ day }) => day,
  DayOfMonth: ({ day }) => day - 1,
  DayOfWeek: ({ year, month, day }) => new Date(Date.UTC(year, month - 1, day)).getUTCDay(),
  DayOfYear: ({ year, month, day }) =>
    Math.round((Date.UTC(year, month - 1, day) - Date.UTC(year, 0, 1)) / 86_400_000),
  Hours: ({ hour }) => hour,
  Minutes: ({ minute }) => minute,
  Seconds: ({ second }) => second,
};

function partIn(part: (local: Local) => number, time: Date, zone: string): bigint {
  return BigInt(part(localTimeOf(time.getTime(), zone)));
}

/** JSON has one kind of number, which is a double here: `event.data.count + 1` must work all the same. */
function withMixedNumbers(environment: Environment): void {
  const operators: readonly [string, (a: number, b: number) => number][] = [
    ["+", (a, b) => a + b],
    ["-", (a, b) => a - b],
    ["*", (a, b) => a * b],
    ["/", (a, b) => a / b],
  ];
  for (const [operator, of] of operators) {
    for (const [left, right] of [
      ["double", "int"],
      ["int", "double"],
    ])
      environment.registerOperator(`${left} ${operator} ${right}`, (a, b) => of(Number(a), Number(b)));
  }
  environment.registerOperator("double % int", (a, b) => Number(a) % Number(b));
}

function newEnvironment(): Environment {
  const environment = new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: { maxAstNodes: 300, maxDepth: 30, maxListElements: 200, maxMapEntries: 200, maxCallArguments: 8 },
  });
  withMixedNumbers(environment);
  environment.registerFunction("bounded(dyn): dyn", bounded);
  environment.registerFunction("string.matchesInLinearTime(string): bool", matches);
  for (const [name, part] of Object.entries(PARTS))
    environment.registerFunction(`${TIMESTAMP}.get${name}In(string): int`, (time: Date, zone: string) =>
      partIn(part, time, zone),
    );
  environment.registerFunction(`${TIMESTAMP}.getDayOfYearInUtc(): int`, (time: Date) =>
    partIn(PARTS["DayOfYear"] as (local: Local) => number, time, "UTC"),
  );
  return environment;
}

const BASE = newEnvironment();

/** An environment whose variables have these types; the others are absent. */
export function environmentOf(declare: (environment: Environment) => void): Environment {
  const environment = BASE.clone();
  declare(environment);
  return environment;
}

/** The environment in which expressions run: nothing is known of the fields. */
export const RUNTIME: Environment = environmentOf((environment) => {
  for (const [name, type] of Object.entries(VARIABLES)) environment.registerVariable(name, type);
});
