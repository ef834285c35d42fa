import { formatEventRef } from "@adaos/core";
import { nearest } from "@adaos/core/wire";
import type { EventRecord, PlacedRecord } from "@adaos/registry";
import { contractPaths } from "@adaos/registry";
import { namingProblem, REPLY_TOKEN } from "../naming.ts";
import type { LintRule } from "./rules.ts";

/** Reports a problem of a record, at the value under a path. */
export type TellRecord = (
  of: PlacedRecord,
  rule: LintRule,
  path: readonly PropertyKey[],
  message: string,
  suggestion?: string,
) => void;

/** Checks the records of an index, alone and together. Pure. */
export function lintRecords(records: readonly PlacedRecord[], tell: TellRecord): void {
  const byRef = new Map<string, PlacedRecord>();
  for (const one of records) {
    const ref = refOf(one.record);
    const first = byRef.get(ref);
    if (first === undefined) byRef.set(ref, one);
    else {
      const { line } = first.placeOf(["name"]);
      const told = `${ref} is declared twice, first in line ${line}; remove one or raise its version`;
      tell(one, "record-twice", ["name"], told);
    }
    lintName(one, tell);
    lintPaths(one, tell);
    lintHeaders(one, tell);
    lintExampleCounts(one, tell);
  }
  for (const one of byRef.values()) lintReply(one, byRef, tell);
  lintVersions([...byRef.values()], tell);
}

function lintName(one: PlacedRecord, tell: TellRecord): void {
  const { name, kind, naming_exception: exception } = one.record;
  const problem = namingProblem(name, kind);
  if (problem === undefined) {
    if (exception === undefined) return;
    tell(one, "name-exception-unused", ["naming_exception"], `${name} needs no naming_exception; remove it`);
  } else if (exception === undefined) {
    const { rule, message, suggestion } = problem;
    tell(
      one,
      rule,
      ["name"],
      `${message}; rename it, or say why it is right in naming_exception`,
      suggestion,
    );
  }
}

function lintPaths(one: PlacedRecord, tell: TellRecord): void {
  const { name, version, schema, examples, invalid_examples: invalid } = one.record;
  const paths = contractPaths(name, version);
  if (schema !== paths.schema) {
    tell(
      one,
      "record-path",
      ["schema"],
      `the schema of ${refOf(one.record)} is not in its place`,
      paths.schema,
    );
  }
  const lists = [
    ["examples", examples, paths.examples],
    ["invalid_examples", invalid, paths.invalidExamples],
  ] as const;
  for (const [field, list, folder] of lists) {
    for (const [i, path] of list.entries()) {
      const file = path.slice(path.lastIndexOf("/") + 1);
      const wanted = `${folder}/${file.endsWith(".json") ? file : `${file}.json`}`;
      if (path !== wanted) tell(one, "record-path", [field, i], `${path} is not in its place`, wanted);
    }
  }
}

const KNOWN_HEADERS = [
  "event_id",
  "correlation_id",
  "causation_id",
  "tenant",
  "source",
  "ts",
  "idempotency_key",
  "traceparent",
  "tracestate",
];

function lintHeaders(one: PlacedRecord, tell: TellRecord): void {
  const headers = one.record.required_headers;
  for (const [i, header] of headers.entries()) {
    const path = ["required_headers", i];
    if (headers.indexOf(header) !== i) tell(one, "header-twice", path, `the header ${header} is named twice`);
    if (header.startsWith("nats-")) {
      tell(one, "header-reserved", path, `the header ${header} is reserved for servers; nobody can send it`);
    }
    if (KNOWN_HEADERS.includes(header)) continue;
    const meant = nearest(header, KNOWN_HEADERS);
    if (meant !== undefined)
      tell(one, "header-spelling", path, `the header ${header} is close to one of the mesh`, meant);
  }
}

function lintExampleCounts(one: PlacedRecord, tell: TellRecord): void {
  const { status, examples, invalid_examples: invalid } = one.record;
  if (status === "deprecated") return;
  const ref = refOf(one.record);
  if (examples.length === 0) tell(one, "example-none", ["examples"], `${ref} has no example`);
  if (invalid.length === 0)
    tell(one, "invalid-example-none", ["invalid_examples"], `${ref} has no invalid example`);
}

function lintReply(one: PlacedRecord, byRef: ReadonlyMap<string, PlacedRecord>, tell: TellRecord): void {
  const { name, version, kind } = one.record;
  if (kind !== "reply" || !name.endsWith(`.${REPLY_TOKEN}`)) return;
  const ref = formatEventRef(name.slice(0, -REPLY_TOKEN.length - 1), version);
  const command = byRef.get(ref);
  if (command?.record.kind !== "command") {
    const commands = [...byRef].filter(([, { record }]) => record.kind === "command").map(([known]) => known);
    const told = `${refOf(one.record)} answers ${ref}, which is no command of the registry`;
    tell(one, "reply-without-command", ["name"], told, nearest(ref, commands));
    return;
  }
  for (const [user, used] of [
    [one, command],
    [command, one],
  ] as const) {
    if (user.record.status === "deprecated" || used.record.status !== "deprecated") continue;
    const told = `${refOf(user.record)} is ${user.record.status}, and its ${user === one ? "command" : "reply"} is deprecated`;
    tell(user, "deprecated-in-use", ["status"], told, successorOf(used.record, byRef));
  }
}

/** Only the newest stable version of a name should be stable. */
function lintVersions(records: readonly PlacedRecord[], tell: TellRecord): void {
  const newest = new Map<string, number>();
  const stable = records.filter(({ record }) => record.status === "stable");
  for (const { record } of stable)
    newest.set(record.name, Math.max(record.version, newest.get(record.name) ?? 0));
  for (const one of stable) {
    const { name, version } = one.record;
    const last = newest.get(name) ?? version;
    if (version === last) continue;
    const told = `${refOf(one.record)} is stable beside ${formatEventRef(name, last)}; its status should be deprecated`;
    tell(one, "version-superseded", ["status"], told, "deprecated");
  }
}

/** The replacement of a deprecated event: its newest version that is not deprecated, if any. */
export function successorOf(
  { name }: EventRecord,
  byRef: ReadonlyMap<string, PlacedRecord>,
): string | undefined {
  const versions = [...byRef.values()]
    .map(({ record }) => record)
    .filter((record) => record.name === name && record.status === "stable")
    .map(({ version }) => version);
  return versions.length === 0 ? undefined : formatEventRef(name, Math.max(...versions));
}

export function refOf({ name, version }: EventRecord): string {
  return formatEventRef(name, version);
}
