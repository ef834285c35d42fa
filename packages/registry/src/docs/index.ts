// For documents about a registry. Apart from the rest: a daemon lives long, and needs none of it.
export { compareRecords } from "../record.ts";
export { type EventExample, readExamples } from "./read-examples.ts";
export { eventKey, RegistrySchemas, type SchemaMap } from "./registry-schemas.ts";
export type { SchemaField } from "./schema-fields.ts";
