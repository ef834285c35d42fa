import type { EventKind } from "@adaos/core";
import type { JsonObject } from "@adaos/json-schema";

/** A schema in a document of the source. */
export interface SchemaSource {
  /** The document's file, a key of the bundler's documents. */
  readonly file: string;
  /** JSON pointer to the schema, `""` for all of it. */
  readonly pointer: string;
}

/** The place of an event's schema, or a schema inferred from its examples. */
export type FoundSchema =
  | { readonly kind: "placed"; readonly source: SchemaSource }
  | { readonly kind: "made"; readonly schema: JsonObject };

/** An event in a source, before it gets a name of ours. */
export interface FoundContract {
  /** Its name in the source: `com.example.order.created.v2`, `OrderCreated`, `orders/created`. */
  readonly called: string;
  /** `FILE:LINE:COLUMN` */
  readonly at: string;
  readonly summary: string | undefined;
  readonly schema: FoundSchema;
  readonly examples: readonly unknown[];
  readonly requiredHeaders: readonly string[];
}

/** The contents of a source. */
export interface FoundContracts {
  readonly contracts: readonly FoundContract[];
  /** Documents by file, for references between schemas. */
  readonly documents: ReadonlyMap<string, JsonObject>;
  /** The dialect of schemas that name none. */
  readonly defaultSchema: string;
  /** Skipped parts of the source, one sentence each. */
  readonly notes: readonly string[];
}

export const DRAFT_07 = "http://json-schema.org/draft-07/schema#";
export const DRAFT_2020 = "https://json-schema.org/draft/2020-12/schema";
/** More are another registry, not an import. */
export const MAX_CONTRACTS = 500;

/** Rules for the names of imported contracts. */
export interface Naming {
  readonly kind: EventKind;
  /** Prefix that is cut from the source's names. */
  readonly strip: string | undefined;
  /** Prefix that is added to each name. */
  readonly prefix: string | undefined;
  /** `<called>` to `name[@version][:kind]`; it overrides all other rules. */
  readonly map: ReadonlyMap<string, string>;
}
