import { MeshError } from "@adaos/core";

/** The kinds of faults of a schema, alone or among others. */
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
  /** The schema's file, as in its document. */
  readonly file: string;
  /** JSON pointer to the place in the file. */
  readonly pointer: string;
  /** One sentence that also names the place. */
  readonly problem: string;
  /** `<file>:<line>:<column>`, where the problem does not name the place. */
  readonly place?: string | undefined;
  /** The probably intended value. */
  readonly suggestion?: string | undefined;
}

/** Takes a fault. The reporter then continues with the rest, as far as possible. */
export type ReportFault = (fault: SchemaFault) => void;

/** The reporter for readers that accept no fault. Throws MeshError `invalid-config`. */
export function throwFault({ file, place, problem }: SchemaFault): never {
  throw new MeshError("invalid-config", place === undefined ? `${file}: ${problem}` : `${place} ${problem}`);
}
