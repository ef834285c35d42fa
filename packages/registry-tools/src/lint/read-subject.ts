import { join } from "node:path";
import { nearest } from "@adaos/core/wire";
import type { ReportFault, SchemaFault } from "@adaos/json-schema";
import { parseSchemaDocument, type SchemaDocument, SchemaValidators } from "@adaos/json-schema";
import {
  DIST_INDEX,
  DIST_TYPES,
  type FolderContent,
  inspectRecords,
  listContent,
  MAX_INDEX_BYTES,
  MAX_SCHEMA_BYTES,
  openFolder,
  type PlacedRecord,
  REGISTRY_FILE,
  type RegistryFolder,
  readListed,
  tryReadWithin,
} from "@adaos/registry";
import { LOCK_FILE } from "../release/registry-lock.ts";
import type { Findings } from "./findings.ts";
import { lintKeywords, placeOfFault } from "./lint-schemas.ts";

/**
 * Everything that lint checks, as far as it can be read. Files are named by their paths below the registry folder.
 */
export interface LintSubject {
  readonly folder: RegistryFolder;
  readonly files: ReadonlySet<string>;
  /** Whether the index and all its records could be read. */
  readonly isWhole: boolean;
  readonly isList: boolean;
  readonly records: readonly PlacedRecord[];
  /** Files in records, also in broken ones. */
  readonly named: ReadonlySet<string>;
  /** Texts of the files in records, and of the generated ones. */
  readonly texts: ReadonlyMap<string, string>;
  readonly documents: ReadonlyMap<string, SchemaDocument>;
  readonly validators: SchemaValidators;
  /** Whether all schemas are valid, as far as can be seen before they are compiled. */
  readonly areSchemasRight: boolean;
}

const MAX_DIST_BYTES = 64 * 1024 * 1024;

/** Reads a registry and reports everything unreadable. Throws `invalid-config` where there is no folder. */
export async function readSubject(
  dir: string,
  planned: ReadonlyMap<string, string>,
  findings: Findings,
): Promise<LintSubject> {
  const folder = await openFolder(dir, planned);
  const content = listContent(folder);
  const index = await tryReadWithin(folder, REGISTRY_FILE, MAX_INDEX_BYTES);
  if (index.problem !== undefined)
    findings.addToFile(index.isMissing ? "file-missing" : "file-unread", REGISTRY_FILE, index.problem);
  const { records, broken, problems, isList } = inspectRecords(
    index.problem === undefined ? index.text : "[]",
  );
  for (const { message, place } of problems)
    findings.add(isList ? "record-field" : "index-yaml", REGISTRY_FILE, place, message);
  const texts = await readNamed(folder, content, records, findings);
  for (const path of [DIST_INDEX, DIST_TYPES, LOCK_FILE]) {
    const reading = await tryReadWithin(folder, path, MAX_DIST_BYTES);
    if (reading.problem === undefined) texts.set(path, reading.text);
  }
  const named = new Set([...namedBy(records).keys(), ...broken.flatMap(pathsIn)]);
  const isWhole = index.problem === undefined && problems.length === 0;
  return {
    folder,
    files: content.paths,
    isWhole,
    isList,
    records,
    named,
    texts,
    ...readSchemas(dir, records, texts, findings),
  };
}

/** Each path in a record, and its first place. */
function namedBy(
  records: readonly PlacedRecord[],
): ReadonlyMap<string, readonly [of: PlacedRecord, at: readonly PropertyKey[]]> {
  const named = new Map<string, readonly [PlacedRecord, readonly PropertyKey[]]>();
  for (const one of records) {
    const { schema, examples, invalid_examples: invalid } = one.record;
    if (!named.has(schema)) named.set(schema, [one, ["schema"]]);
    for (const [i, path] of examples.entries()) if (!named.has(path)) named.set(path, [one, ["examples", i]]);
    for (const [i, path] of invalid.entries())
      if (!named.has(path)) named.set(path, [one, ["invalid_examples", i]]);
  }
  return named;
}

async function readNamed(
  folder: RegistryFolder,
  content: FolderContent,
  records: readonly PlacedRecord[],
  findings: Findings,
): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  const named = namedBy(records);
  for (const [path, [of, at]] of named) {
    const reading = await readListed(folder, content, path, MAX_SCHEMA_BYTES);
    if (reading.problem === undefined) {
      texts.set(path, reading.text);
      continue;
    }
    const { problem, isMissing } = reading;
    const meant = isMissing ? nearestFile(path, content.paths, named) : undefined;
    const rule = isMissing ? "file-missing" : "file-unread";
    findings.add(rule, REGISTRY_FILE, () => of.placeOf(at), problem, meant);
  }
  return texts;
}

function readSchemas(
  dir: string,
  records: readonly PlacedRecord[],
  texts: ReadonlyMap<string, string>,
  findings: Findings,
): Pick<LintSubject, "documents" | "validators" | "areSchemasRight"> {
  const documents = new Map<string, SchemaDocument>();
  const pathOf = new Map<string, string>();
  let areSchemasRight = true;
  const report: ReportFault = (fault: SchemaFault) => {
    areSchemasRight = false;
    const path = pathOf.get(fault.file) ?? fault.file;
    const place = (): ReturnType<typeof placeOfFault> => placeOfFault(fault, texts.get(path) ?? "");
    findings.add(fault.rule, path, place, fault.problem, fault.suggestion);
  };
  for (const { record } of records) {
    const text = texts.get(record.schema);
    const file = join(dir, record.schema);
    if (text === undefined || pathOf.has(file)) continue;
    pathOf.set(file, record.schema);
    const document = parseSchemaDocument(text, file, `urn:adaos:registry-file:${pathOf.size}`, report);
    if (document === undefined) continue;
    documents.set(record.schema, document);
    lintKeywords(document, (rule, pointer, problem, suggestion) =>
      findings.add(
        rule,
        record.schema,
        () => placeOfFault({ rule: "schema-id", file, pointer, problem }, text),
        problem,
        suggestion,
      ),
    );
  }
  const validators = new SchemaValidators([...documents.values()], report);
  return { documents, validators, areSchemasRight };
}

/** The existing file in the same folder that a wrong name probably means, outside `taken`. */
export function nearestFile(
  path: string,
  files: ReadonlySet<string>,
  taken: { has(path: string): boolean },
): string | undefined {
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  return nearest(
    path,
    [...files].filter((file) => file.startsWith(folder) && !taken.has(file)),
  );
}

/** Texts in a broken record that may be paths. */
function pathsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flat().filter(isText) : [];
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
