export { buildEventDocs, isAbout, openApiOf } from "./event-docs/build-event-docs.ts";
