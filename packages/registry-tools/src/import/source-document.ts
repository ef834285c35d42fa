import type { JsonObject } from "@adaos/json-schema";

/** A document of the source, with the places of its values. */
export interface SourceDocument {
  /** Path below the folder of the import. */
  readonly file: string;
  readonly value: JsonObject;
  /** `FILE:LINE:COLUMN` */
  at(path: readonly PropertyKey[]): string;
}
