import { placeInJson } from "@adaos/config";
import type { PlacedRecord } from "@adaos/registry";
import { REGISTRY_FILE } from "@adaos/registry";
import { type Finding, Findings } from "./findings.ts";
import { lintExample, lintInvalidExample } from "./lint-examples.ts";
import { lintDist, lintLock, lintOrphans, registryOf } from "./lint-files.ts";
import { lintRecords, refOf, successorOf } from "./lint-records.ts";
import { lintIdentity, referencesOf } from "./lint-schemas.ts";
import { lintUses } from "./lint-uses.ts";
import { type LintSubject, readSubject } from "./read-subject.ts";

/** The result of lint. */
export interface LintReport {
  readonly records: number;
  readonly errors: number;
  readonly warnings: number;
  /** The first thousand findings, by file and place. */
  readonly findings: readonly Finding[];
}

export interface LintOptions {
  /** `skill.yaml`, `scenario.yaml` and other files that name events. */
  readonly uses?: readonly string[];
  /** Files that are checked as if they existed, by path below the folder. */
  readonly planned?: ReadonlyMap<string, string>;
  /**
   * Only findings that keep a registry from being served: errors, but none of generated files, which are not
   * contracts.
   */
  readonly isForGate?: boolean;
}

/**
 * Checks everything in a registry folder and reports all problems in one run: the index, its schemas, examples,
 * other files and the generated ones. Rejects with `invalid-config` only where there is no folder.
 */
export async function lintRegistry(dir: string, options: LintOptions = {}): Promise<LintReport> {
  const { isForGate = false } = options;
  const findings = new Findings(dir, isForGate);
  const subject = await readSubject(dir, options.planned ?? new Map(), findings);
  const { records } = subject;
  lintRecords(records, (of, rule, path, message, suggestion) =>
    findings.add(rule, REGISTRY_FILE, () => of.placeOf(path), message, suggestion),
  );
  const byRef = new Map(records.map((one) => [refOf(one.record), one]));
  for (const one of records) lintContract(one, subject, findings);
  lintReferences(byRef, subject, findings);
  await lintUses(options.uses ?? [], byRef, subject, findings);
  if (subject.isList) lintOrphans(subject, findings);
  const areSchemasRead = records.every(({ record }) => subject.documents.has(record.schema));
  if (subject.isWhole && areSchemasRead && byRef.size === records.length) {
    const registry = registryOf(subject);
    if (!isForGate) lintDist(registry, subject, findings);
    lintLock(registry, subject, findings);
  }
  return {
    records: records.length,
    errors: findings.errors,
    warnings: findings.warnings,
    findings: findings.sorted(),
  };
}

/** The schema and the examples of one record. */
function lintContract({ record }: PlacedRecord, subject: LintSubject, findings: Findings): void {
  const { documents, texts, validators, areSchemasRight } = subject;
  const { schema, examples, invalid_examples: invalid } = record;
  const document = documents.get(schema);
  const schemaText = texts.get(schema) ?? "";
  if (document !== undefined) {
    lintIdentity(document, record, (rule, pointer, message, suggestion) =>
      findings.add(rule, schema, () => placeInJson(schemaText, pointer), message, suggestion),
    );
  }
  // Where a schema is wrong, the schemas that refer to it do not compile either.
  const problem = document === undefined ? undefined : validators.compileProblem(document);
  if (problem !== undefined && areSchemasRight) findings.addToFile("schema-invalid", schema, problem);
  const judge = problem === undefined ? document : undefined;
  for (const [paths, lint] of [
    [examples, lintExample],
    [invalid, lintInvalidExample],
  ] as const) {
    for (const path of paths) {
      const text = texts.get(path);
      if (text === undefined) continue;
      lint(text, judge, validators, (rule, place, message, suggestion) =>
        findings.add(rule, path, place, message, suggestion),
      );
    }
  }
}

/** Reports schemas of current events that refer to those of deprecated ones. */
function lintReferences(
  byRef: ReadonlyMap<string, PlacedRecord>,
  { documents, texts }: LintSubject,
  findings: Findings,
): void {
  const deprecated = new Map<string, PlacedRecord>();
  for (const one of byRef.values()) {
    const id = documents.get(one.record.schema)?.uri;
    if (id !== undefined && one.record.status === "deprecated") deprecated.set(id, one);
  }
  if (deprecated.size === 0) return;
  for (const { record } of byRef.values()) {
    const document = documents.get(record.schema);
    if (document === undefined || record.status === "deprecated") continue;
    for (const { id, pointer } of referencesOf(document)) {
      const used = deprecated.get(id);
      if (used === undefined) continue;
      const told = `the schema of ${refOf(record)} refers to that of ${refOf(used.record)}, which is deprecated`;
      const place = (): ReturnType<typeof placeInJson> =>
        placeInJson(texts.get(record.schema) ?? "", pointer);
      findings.add("deprecated-in-use", record.schema, place, told, successorOf(used.record, byRef));
    }
  }
}
