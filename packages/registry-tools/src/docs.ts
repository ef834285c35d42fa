export { buildEventDocs, isAbout, openApiOf } from "./event-docs/build-event-docs.ts";
export { describeEvents, type EventDoc, versionsOf } from "./event-docs/event-doc.ts";
export { type FoundEvent, searchEvents } from "./event-docs/search-events.ts";
export { type FieldChange, fieldChanges } from "./schema-docs/field-changes.ts";
export type { EventExample } from "./schema-docs/read-examples.ts";
export type { SchemaField } from "./schema-docs/schema-fields.ts";
