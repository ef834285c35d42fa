import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Place, YamlTree } from "@adaos/config";
import { placeInJson } from "@adaos/config";
import { messageOf } from "@adaos/core/wire";
import type { ReportFault } from "@adaos/json-schema";
import { isObject, parseSchemaDocument, type SchemaDocument, SchemaValidators } from "@adaos/json-schema";
import type { EventRecord, PlacedRecord } from "@adaos/registry";
import { MAX_SCHEMA_BYTES, openFolder, type RegistryFolder, tryReadWithin } from "@adaos/registry";
import type { Findings } from "./findings.ts";
import { schemasFolder, type TellManifest } from "./lint-manifest.ts";
import { lintIdentity, placeOfFault, referencesOf } from "./lint-schemas.ts";
import type { Manifest } from "./manifest.ts";
import type { LintSubject } from "./read-subject.ts";

interface BroughtSchema {
  readonly file: string;
  readonly text: string;
  readonly document: SchemaDocument;
}

/** Checks that a manifest's own schemas exist and accept the same data as the registry's. */
export async function lintManifestSchemas(
  file: string,
  manifest: Manifest,
  tree: YamlTree,
  byRef: ReadonlyMap<string, PlacedRecord>,
  subject: LintSubject,
  findings: Findings,
): Promise<void> {
  const tell: TellManifest = (rule, place, message, suggestion) =>
    findings.add(rule, file, place, message, suggestion);
  if (manifest.schemas.length === 0 && manifest.schemasFrom === undefined) return;
  const dir = schemasFolder(file, manifest);
  let folder: RegistryFolder;
  try {
    folder = { ...(await openFolder(dir)), what: "folder of the schemas" };
  } catch {
    tell("file-missing", () => tree.placeOf(["events", "schemas_from"]), `the folder ${dir} does not exist`);
    return;
  }
  for (const { ref, file: path, path: at } of manifest.schemas) {
    const place = (): Place => tree.placeOf(at);
    const reading = await tryReadWithin(folder, path, MAX_SCHEMA_BYTES);
    if (reading.problem !== undefined) {
      tell(reading.isMissing ? "file-missing" : "file-unread", place, reading.problem);
      continue;
    }
    const record = byRef.get(ref)?.record;
    const brought = parse(join(folder.realDir, path), reading.text, findings);
    if (brought !== undefined && record !== undefined) compare(brought, record, subject, findings);
  }
}

function parse(file: string, text: string, findings: Findings): BroughtSchema | undefined {
  const document = parseSchemaDocument(
    text,
    file,
    "urn:adaos:brought-schema",
    reportTo(file, text, findings),
  );
  return document === undefined ? undefined : { file, text, document };
}

function reportTo(file: string, text: string, findings: Findings): ReportFault {
  return (fault) =>
    findings.add(fault.rule, file, () => placeOfFault(fault, text), fault.problem, fault.suggestion);
}

/** Reports differences between a manifest's schema and the registry's. */
function compare(
  { file, text, document }: BroughtSchema,
  record: EventRecord,
  subject: LintSubject,
  findings: Findings,
): void {
  const tell = (pointer: string, message: string, suggestion?: string): void =>
    findings.add("use-schema", file, () => placeInJson(text, pointer), message, suggestion);
  const ref = `${record.name}@${record.version}`;
  const known = subject.documents.get(record.schema);
  if (known === undefined) return;
  if (document.draft !== known.draft)
    return tell("/$schema", `is ${document.draft}, the registry's schema of ${ref} is ${known.draft}`);
  let isIdentityRight = true;
  lintIdentity(document, record, (_, pointer, message, suggestion) => {
    // A missing value contradicts nothing.
    if (pointer === "") return;
    isIdentityRight = false;
    tell(pointer, message, suggestion);
  });
  if (!isIdentityRight) return;
  const full = document.schema["x-version"];
  const isSameVersion = full === undefined || full === known.schema["x-version"];
  if (isSameVersion && !isDeepStrictEqual(assertions(document.schema), assertions(known.schema))) {
    tell(
      "",
      `is not the registry's schema of ${ref}${full === undefined ? "" : ` in version ${String(full)}`}`,
      join(subject.folder.dir, record.schema),
    );
    return;
  }
  judgeExamples({ file, text, document }, record, subject, findings);
}

/** A schema of another minor version may differ, but must judge the registry's examples alike. */
function judgeExamples(
  { file, text, document }: BroughtSchema,
  record: EventRecord,
  subject: LintSubject,
  findings: Findings,
): void {
  let isRight = true;
  const report = reportTo(file, text, findings);
  const others = referredFrom(
    document,
    new Map([...subject.documents.values()].map((one) => [one.uri, one])),
  );
  const validators = new SchemaValidators([...others, document], (fault) => {
    isRight = false;
    report(fault);
  });
  if (!isRight) return;
  const validate = validators.validatorOf(document);
  for (const path of record.examples) {
    const example = parsed(subject.texts.get(path));
    if (example === undefined) continue;
    try {
      const [violation] = validate(example.value).violations;
      if (violation === undefined) continue;
      const told = `refuses ${path} of the registry: ${violation.pointer || "the data"} ${violation.expected}`;
      findings.addToFile("use-schema", file, told);
    } catch (thrown) {
      findings.addToFile("schema-invalid", file, messageOf(thrown));
      return;
    }
  }
}

function referredFrom(document: SchemaDocument, all: ReadonlyMap<string, SchemaDocument>): SchemaDocument[] {
  const found = new Map<string, SchemaDocument>();
  const look = (from: SchemaDocument): void => {
    for (const { id } of referencesOf(from)) {
      const target = all.get(id);
      if (target === undefined || found.has(id) || id === document.uri) continue;
      found.set(id, target);
      look(target);
    }
  };
  look(document);
  return [...found.values()];
}

const DESCRIBES = new Set([
  "$id",
  "$schema",
  "$comment",
  "title",
  "description",
  "examples",
  "nullable",
  "$async",
]);
const NAMES = new Set(["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"]);
const DATA = new Set(["const", "enum", "default", "required", "dependentRequired"]);

/** A schema without its descriptive keywords, as a value to compare. */
function assertions(value: unknown, as: "schema" | "names" | "data" = "schema"): unknown {
  if (Array.isArray(value)) return value.map((item) => assertions(item, as));
  if (!isObject(value)) return value;
  const entries = Object.entries(value);
  if (as === "data") return value;
  if (as === "names") return Object.fromEntries(entries.map(([name, held]) => [name, assertions(held)]));
  return Object.fromEntries(
    entries
      .filter(([key]) => !DESCRIBES.has(key) && !key.startsWith("x-"))
      .map(([key, held]) => [
        key,
        assertions(held, NAMES.has(key) ? "names" : DATA.has(key) ? "data" : "schema"),
      ]),
  );
}

function parsed(text: string | undefined): { readonly value: unknown } | undefined {
  try {
    return text === undefined ? undefined : { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
