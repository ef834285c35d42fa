import { MeshError } from "@adaos/core";

/** What can be wrong with a schema by itself or among others. */
export type SchemaRule =
  | "schema-json"
  | "schema-draft"
  | "schema-id"
  | "schema-classification"
  | "schema-invalid"
  | "schema-depth"
  | "schema-reference"
  | "pattern-unsafe";

export interface SchemaFault {
  readonly rule: SchemaRule;
  /** The schema's file, as its document names it. */
  readonly file: string;
  /** JSON pointer to the place in the file. */
  readonly pointer: string;
  /** One sentence that names the place too. */
  readonly problem: string;
  /** `<file>:<line>:<column>`, where the problem does not say where it is. */
  readonly place?: string | undefined;
  /** What was probably meant. */
  readonly suggestion?: string | undefined;
}

/** Takes a fault. Who reports goes on with the rest as far as it can. */
export type ReportFault = (fault: SchemaFault) => void;

/** For those who need everything to be right. Throws MeshError `invalid-config`. */
export function throwFault({ file, place, problem }: SchemaFault): never {
  throw new MeshError("invalid-config", place === undefined ? `${file}: ${problem}` : `${place} ${problem}`);
}
