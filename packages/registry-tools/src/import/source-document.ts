import type { JsonObject } from "@adaos/json-schema";

/** A document that was read, and where its values stand. */
export interface SourceDocument {
  /** Below the folder of the import. */
  readonly file: string;
  readonly value: JsonObject;
  /** `FILE:LINE:COLUMN` */
  at(path: readonly PropertyKey[]): string;
}
