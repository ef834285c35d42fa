import type { EventKind } from "@adaos/core";
import type { JsonObject } from "@adaos/json-schema";

/** A schema in a document that was read. */
export interface SchemaSource {
  /** The document's file, a key of the bundler's documents. */
  readonly file: string;
  /** JSON pointer to the schema, `""` for all of it. */
  readonly pointer: string;
}

/** Where the schema of an event stands, or one that was made of its examples. */
export type FoundSchema =
  | { readonly kind: "placed"; readonly source: SchemaSource }
  | { readonly kind: "made"; readonly schema: JsonObject };

/** An event that a source describes, before it has a name of ours. */
export interface FoundContract {
  /** What the source calls it: `com.example.order.created.v2`, `OrderCreated`, `orders/created`. */
  readonly called: string;
  /** `FILE:LINE:COLUMN` */
  readonly at: string;
  readonly summary: string | undefined;
  readonly schema: FoundSchema;
  readonly examples: readonly unknown[];
  readonly requiredHeaders: readonly string[];
}

/** What a source holds. */
export interface FoundContracts {
  readonly contracts: readonly FoundContract[];
  /** Documents by file, for references between schemas. */
  readonly documents: ReadonlyMap<string, JsonObject>;
  /** The dialect of schemas that name none. */
  readonly defaultSchema: string;
  /** What was passed over, one sentence each. */
  readonly notes: readonly string[];
}

export const DRAFT_07 = "http://json-schema.org/draft-07/schema#";
export const DRAFT_2020 = "https://json-schema.org/draft/2020-12/schema";
/** More are no import but another registry. */
export const MAX_CONTRACTS = 500;

/** How what is found gets its name. */
export interface Naming {
  readonly kind: EventKind;
  /** Cut from the beginning of what a source calls an event. */
  readonly strip: string | undefined;
  /** Put before each name. */
  readonly prefix: string | undefined;
  /** `<called>` to `name[@version][:kind]`; wins over everything else. */
  readonly map: ReadonlyMap<string, string>;
}
