import { formatEventRef, MeshError } from "@adaos/core";
import type { EventRecord, FileRegistry } from "@adaos/registry";
import { MAX_SCHEMA_BYTES, type RegistryFolder, readWithin } from "@adaos/registry";
import { type InvalidExample, invalidExampleSchema } from "../invalid-example.ts";

/** Valid data of an event. */
export interface ReadExample {
  /** Path below the registry folder. */
  readonly path: string;
  readonly data: unknown;
}

/** Invalid data of an event, and the error of publishing it. */
export interface ReadInvalidExample extends ReadExample {
  readonly error: InvalidExample["error"] & { readonly code: "invalid-event"; readonly expected: string };
}

/** Everything in a registry about one event. */
export interface ReadContract {
  readonly record: EventRecord;
  /** `ui.notify@1` */
  readonly ref: string;
  /** As its author wrote it. */
  readonly schemaText: string;
  readonly examples: readonly ReadExample[];
  readonly invalidExamples: readonly ReadInvalidExample[];
}

/**
 * Reads schema and examples of an event.
 * @throws MeshError `invalid-config` for an unreadable file, an invalid example, or an invalid example that is
 *   valid or gives another error.
 */
export async function readContract(
  registry: FileRegistry,
  folder: RegistryFolder,
  record: EventRecord,
): Promise<ReadContract> {
  const ref = formatEventRef(record.name, record.version);
  const read = (path: string): Promise<string> => readWithin(folder, path, MAX_SCHEMA_BYTES, ref);
  const examples: ReadExample[] = [];
  const { validate } = registry.resolve(record.name, record.version);
  for (const path of record.examples) {
    const data = parseJson(path, await read(path));
    if (!validate(data).valid) throw notRight(path, "is not valid");
    examples.push({ path, data });
  }
  const invalidExamples: ReadInvalidExample[] = [];
  for (const path of record.invalid_examples) {
    const checked = invalidExampleSchema.safeParse(parseJson(path, await read(path)));
    if (!checked.success) throw notRight(path, "is not of the form of an invalid example");
    invalidExamples.push({ path, ...judged(registry, record, path, checked.data) });
  }
  return { record, ref, schemaText: await read(record.schema), examples, invalidExamples };
}

/** An invalid example with the schema's verdict. */
function judged(
  registry: FileRegistry,
  { name, version }: EventRecord,
  path: string,
  { data, error }: InvalidExample,
): Pick<ReadInvalidExample, "data" | "error"> {
  const { violations } = registry.resolve(name, version).validate(data);
  const meant = violations.find(({ pointer }) => pointer === error.pointer);
  if (meant === undefined) throw notRight(path, `does not give an error at ${JSON.stringify(error.pointer)}`);
  return { data, error: { code: "invalid-event", ...error, expected: meant.expected } };
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw notRight(path, "is not JSON");
  }
}

function notRight(path: string, problem: string): MeshError {
  return new MeshError(
    "invalid-config",
    `${path} ${problem}; adaos events registry lint tells all that is wrong`,
  );
}
