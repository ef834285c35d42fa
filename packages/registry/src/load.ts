import { join } from "node:path";
import { type EventContract, formatEventRef, MeshError } from "@adaos/core";
import {
  parseSchemaDocument,
  SchemaClassification,
  type SchemaDocument,
  SchemaValidators,
} from "@adaos/json-schema";
import { FileRegistry, type RegistryEntry } from "./file-registry.ts";
import { folderFiles, openFolder, type RegistryFiles, type RegistryFolder } from "./files.ts";
import { type EventRecord, type ParsedRecord, parseRecords } from "./record.ts";

/** The index of a registry folder. */
export const REGISTRY_FILE = "registry.yaml";

export const MAX_INDEX_BYTES: number = 4 * 1024 * 1024;
export const MAX_SCHEMA_BYTES: number = 1024 * 1024;

/**
 * Loads the registry of a folder: `registry.yaml` and the schemas it names. Whatever is wrong shows here, not at the
 * first event; compiling the validators waits for the first event. Examples are not read.
 * @throws MeshError `invalid-config` naming file, place and remedy.
 */
export async function loadRegistry(dir: string): Promise<FileRegistry> {
  return loadFolder(await openFolder(dir));
}

/** As {@link loadRegistry}, of an open folder. */
export function loadFolder(folder: RegistryFolder): Promise<FileRegistry> {
  return readRegistry(folderFiles(folder));
}

/** The same, wherever its files are read from. Rejects likewise. */
export async function readRegistry(files: RegistryFiles): Promise<FileRegistry> {
  const { dir } = files;
  const text = await files.read(REGISTRY_FILE, MAX_INDEX_BYTES, `no schema registry at ${dir}`);
  const parsed = parseRecords(text, join(dir, REGISTRY_FILE));
  assertUnique(parsed);
  const documents = await readSchemas(files, parsed);
  const validators = new SchemaValidators([...documents.values()]);
  const entries = parsed.map(({ record }) => {
    const document = documents.get(record.schema);
    if (document === undefined) throw new MeshError("internal", `schema ${record.schema} was not read`);
    return entryOf(record, document, validators);
  });
  return new FileRegistry(dir, entries);
}

function assertUnique(parsed: readonly ParsedRecord[]): void {
  const first = new Map<string, ParsedRecord>();
  for (const entry of parsed) {
    const ref = formatEventRef(entry.record.name, entry.record.version);
    const other = first.get(ref);
    if (other !== undefined) {
      throw new MeshError(
        "invalid-config",
        `${entry.at("name")}: ${ref} is declared twice, first at ${other.at("name")}; remove one or raise its version`,
      );
    }
    first.set(ref, entry);
  }
}

/** Each file once, by path: records may share a schema. */
async function readSchemas(
  files: RegistryFiles,
  parsed: readonly ParsedRecord[],
): Promise<ReadonlyMap<string, SchemaDocument>> {
  const documents = new Map<string, SchemaDocument>();
  for (const { record, at } of parsed) {
    if (documents.has(record.schema)) continue;
    const text = await files.read(record.schema, MAX_SCHEMA_BYTES, at("schema"));
    const privateUri = `urn:adaos:registry-file:${documents.size}`;
    const document = parseSchemaDocument(text, join(files.dir, record.schema), privateUri);
    if (document !== undefined) documents.set(record.schema, document);
  }
  return documents;
}

/** A record with its schema, and what publisher and consumer need of it. */
export function entryOf(
  record: EventRecord,
  document: SchemaDocument,
  validators: SchemaValidators,
): RegistryEntry {
  const classification = new SchemaClassification(document.schema, validators.references);
  return {
    record,
    document,
    classification,
    contract: contractOf(record, document, validators, classification),
  };
}

function contractOf(
  record: EventRecord,
  document: SchemaDocument,
  validators: SchemaValidators,
  classification: SchemaClassification,
): EventContract {
  const validate = validators.validatorOf(document);
  const validateReceived = validators.receiverOf(document);
  const isPlain = classification.classes.length === 0;
  return {
    name: record.name,
    version: record.version,
    kind: record.kind,
    schema: document.id ?? record.schema,
    requiredHeaders: record.required_headers,
    ...(record.semantics.delivery === "at-most-once" ? { delivery: "at-most-once" } : {}),
    ...(record.status === "deprecated"
      ? { deprecated: { producers: record.producers, consumers: record.consumers } }
      : {}),
    validate: isPlain ? validate : (data) => classification.veiled(validate(data)),
    validateReceived: isPlain ? validateReceived : (data) => classification.veiled(validateReceived(data)),
    ...(isPlain ? {} : { classified: classification }),
  };
}
