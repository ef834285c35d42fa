import { formatEventRef, MeshError } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";
import type { EventRecord, FileRegistry } from "@adaos/registry";
import { openFolder, readWithin } from "@adaos/registry";

/** No event has larger data. */
const MAX_EXAMPLE_BYTES = 262_144;

/** Data that a publisher may send. */
export interface EventExample {
  /** The file's name without folder and ending: `cron`. */
  readonly title: string;
  readonly data: unknown;
}

/**
 * Reads the examples of an event and checks each by its schema.
 * @throws MeshError `invalid-config` naming the file.
 */
export async function readExamples(registry: FileRegistry, record: EventRecord): Promise<EventExample[]> {
  const folder = await openFolder(registry.dir);
  const { validate } = registry.resolve(record.name, record.version);
  const examples: EventExample[] = [];
  for (const path of record.examples) {
    const ref = formatEventRef(record.name, record.version);
    const data = parse(await readWithin(folder, path, MAX_EXAMPLE_BYTES, ref), path, ref);
    const [violation] = validate(data).violations;
    if (violation !== undefined) {
      const what = violation.pointer || "the data";
      throw new MeshError("invalid-config", `${ref}: example ${path}: ${what} ${violation.expected}`);
    }
    examples.push({ title: path.replace(/^.*\//, "").replace(/\.json$/, ""), data });
  }
  return examples;
}

function parse(text: string, path: string, ref: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MeshError("invalid-config", `${ref}: example ${path} is not JSON: ${messageOf(cause)}`, {
      cause,
    });
  }
}
