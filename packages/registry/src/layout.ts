/** The paths of one event and version, below the registry folder. */
export interface ContractPaths {
  /** `<namespace>/<name>/v<major>` */
  readonly folder: string;
  readonly schema: string;
  readonly examples: string;
  readonly invalidExamples: string;
}

/** The folder of generated files. */
export const DIST_FOLDER = "_dist";
export const DIST_INDEX: string = `${DIST_FOLDER}/registry.json`;
export const DIST_TYPES: string = `${DIST_FOLDER}/events.d.ts`;
/** Beside the schema: its author's own tests. Lint ignores it. */
export const CONTRACT_TEST = "schema.unit.test.ts";

/** `nlp.intent.detected`, 1: everything below `nlp/intent.detected/v1`. Pure. */
export function contractPaths(name: string, version: number): ContractPaths {
  const folder = `${name.replace(".", "/")}/v${version}`;
  return {
    folder,
    schema: `${folder}/schema.json`,
    examples: `${folder}/examples`,
    invalidExamples: `${folder}/examples/invalid`,
  };
}

/** `$id` of an event's schema. */
export function schemaIdOf(name: string, version: number): string {
  return `urn:adaos:schema:${name}:v${version}`;
}

/** Whether an `$id` is that of an event's schema: the URN, or its short form `nlp.intent.detected.v1`. */
export function isSchemaIdOf(id: string, name: string, version: number): boolean {
  return id === schemaIdOf(name, version) || id === `${name}.v${version}`;
}
