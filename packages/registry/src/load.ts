import { join } from "node:path";
import { type EventContract, formatEventRef, MeshError } from "@adaos/core";
import {
  parseSchemaDocument,
  SchemaClassification,
  type SchemaDocument,
  SchemaValidators,
  throwFault,
} from "@adaos/json-schema";
import { FileRegistry, type RegistryEntry } from "./file-registry.ts";
import { folderFiles, openFolder, type RegistryFiles, type RegistryFolder } from "./files.ts";
import { type RegistryProof, textDigest } from "./proof.ts";
import { type EventRecord, type ParsedRecord, parseRecords } from "./record.ts";

/** The index of a registry folder. */
export const REGISTRY_FILE = "registry.yaml";

export const MAX_INDEX_BYTES: number = 4 * 1024 * 1024;
export const MAX_SCHEMA_BYTES: number = 1024 * 1024;

/**
 * Loads the registry of a folder: `registry.yaml` and the schemas it names. Errors show here, not at the first
 * event; validators are compiled at the first event. Examples are not read.
 * @throws MeshError `invalid-config` naming file, place and remedy.
 */
export async function loadRegistry(dir: string, proof?: RegistryProof): Promise<FileRegistry> {
  return readRegistry(folderFiles(await openFolder(dir), proof));
}

/** As {@link loadRegistry}, for an open folder. */
export function loadFolder(folder: RegistryFolder): Promise<FileRegistry> {
  return readRegistry(folderFiles(folder));
}

/** The same for files from any source. Rejects likewise. */
export async function readRegistry(files: RegistryFiles): Promise<FileRegistry> {
  const { dir, proof } = files;
  const proven = proof === undefined ? undefined : await readProven(files, proof);
  if (proven !== undefined) return proven;
  const index = await files.read(REGISTRY_FILE, MAX_INDEX_BYTES, `no schema registry at ${dir}`);
  const parsed = parseRecords(index, join(dir, REGISTRY_FILE));
  assertUnique(parsed);
  const texts = await readTexts(files, parsed);
  const documents = parseDocuments(dir, texts);
  const validators = new SchemaValidators([...documents.values()]);
  const entries = parsed.map(({ record }) => entryOf(record, documentIn(documents, record), validators));
  return new FileRegistry(dir, entries, { digests: digestsOf(index, texts) });
}

/** Undefined where a file has another text than the proof covers. Schemas are parsed on first use. */
export async function readProven(
  files: RegistryFiles,
  proof: RegistryProof,
): Promise<FileRegistry | undefined> {
  const { dir } = files;
  const { records, digests, hash, events } = proof;
  const texts = new Map<string, string>();
  const index = await files.read(REGISTRY_FILE, MAX_INDEX_BYTES, dir).catch(() => "");
  if (textDigest(index) !== digests[REGISTRY_FILE]) return undefined;
  for (const { schema } of records) {
    if (texts.has(schema)) continue;
    // The unproven way reports the problem and its place.
    const text = await files.read(schema, MAX_SCHEMA_BYTES, REGISTRY_FILE).catch(() => undefined);
    if (text === undefined || textDigest(text) !== digests[schema]) return undefined;
    texts.set(schema, text);
  }
  const documents = once(() => parseDocuments(dir, texts));
  const validators = once(
    () => new SchemaValidators([...documents().values()], throwFault, { areProven: true }),
  );
  const entries = records.map(
    (record) =>
      new ProvenEntry(
        record,
        once(() => documentIn(documents(), record)),
        validators,
      ),
  );
  return new FileRegistry(dir, entries, { digests: new Map(Object.entries(digests)), hash, events });
}

/** Parsed on first use. */
class ProvenEntry implements RegistryEntry {
  readonly record: EventRecord;
  readonly #document: () => SchemaDocument;
  readonly #made: () => RegistryEntry;

  constructor(record: EventRecord, document: () => SchemaDocument, validators: () => SchemaValidators) {
    this.record = record;
    this.#document = document;
    this.#made = once(() => entryOf(record, document(), validators()));
  }

  get document(): SchemaDocument {
    return this.#document();
  }

  get contract(): EventContract {
    return this.#made().contract;
  }

  get classification(): SchemaClassification {
    return this.#made().classification;
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function digestsOf(index: string, schemas: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const digests = new Map([[REGISTRY_FILE, textDigest(index)]]);
  for (const [path, text] of schemas) digests.set(path, textDigest(text));
  return digests;
}

function documentIn(documents: ReadonlyMap<string, SchemaDocument>, { schema }: EventRecord): SchemaDocument {
  const document = documents.get(schema);
  if (document === undefined) throw new MeshError("internal", `schema ${schema} was not read`);
  return document;
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
async function readTexts(
  files: RegistryFiles,
  parsed: readonly ParsedRecord[],
): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const { record, at } of parsed) {
    if (texts.has(record.schema)) continue;
    texts.set(record.schema, await files.read(record.schema, MAX_SCHEMA_BYTES, at("schema")));
  }
  return texts;
}

function parseDocuments(
  dir: string,
  texts: ReadonlyMap<string, string>,
): ReadonlyMap<string, SchemaDocument> {
  const documents = new Map<string, SchemaDocument>();
  for (const [path, text] of texts) {
    const privateUri = `urn:adaos:registry-file:${documents.size}`;
    const document = parseSchemaDocument(text, join(dir, path), privateUri);
    if (document !== undefined) documents.set(path, document);
  }
  return documents;
}

/** A record with its schema and its contract for publisher and consumer. */
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
