import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The event of every run: like `ui.notify`, with texts up to the limit of an envelope. */
export const TEXT_EVENT = "bench.text";
/** The command of request runs; its reply carries a text too. */
export const ASK_EVENT = "bench.ask";
/** The same for a command that is delivered at most once. */
export const ASK_NOW_EVENT = "bench.ask-now";

const MAX_TEXT_LENGTH = 262_144;

interface BenchEvent {
  readonly name: string;
  readonly kind: "event" | "command" | "reply";
  /** @default "at-least-once" */
  readonly delivery?: "at-most-once";
}

/** Writes a schema registry with the benchmark's events, filled up to `count` events. */
export function writeBenchRegistry(dir: string, count: number): void {
  const events: BenchEvent[] = [
    { name: TEXT_EVENT, kind: "event" },
    { name: ASK_EVENT, kind: "command" },
    { name: `${ASK_EVENT}.result`, kind: "reply" },
    { name: ASK_NOW_EVENT, kind: "command", delivery: "at-most-once" },
    { name: `${ASK_NOW_EVENT}.result`, kind: "reply" },
  ];
  while (events.length < count) events.push({ name: `bench.other-${events.length}`, kind: "event" });
  // JSON is YAML.
  write(join(dir, "registry.yaml"), events.map(recordOf));
  for (const event of events) {
    write(join(dir, schemaPath(event)), schemaOf(event));
    write(join(dir, examplePath(event)), { text: "hello" });
  }
}

function write(file: string, content: unknown): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`);
}

const folderOf = ({ name }: BenchEvent): string => `${name.replace(".", "/")}/v1`;
const schemaPath = (event: BenchEvent): string => `${folderOf(event)}/schema.json`;
const examplePath = (event: BenchEvent): string => `${folderOf(event)}/examples/hello.json`;

function recordOf(event: BenchEvent): unknown {
  return {
    name: event.name,
    version: 1,
    kind: event.kind,
    summary: "Carries a text of the benchmark.",
    status: "stable",
    producers: ["app"],
    consumers: ["app"],
    schema: schemaPath(event),
    examples: [examplePath(event)],
    required_headers: event.kind === "reply" ? ["correlation_id"] : [],
    semantics: { delivery: event.delivery ?? "at-least-once", idempotency_key: "event_id" },
    ...(event.kind === "event" ? { naming_exception: "nothing has happened but the benchmark" } : {}),
  };
}

function schemaOf({ name }: BenchEvent): unknown {
  const text = (maxLength: number): unknown => ({ type: "string", minLength: 1, maxLength });
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: `urn:adaos:schema:${name}:v1`,
    "x-version": "1.0.0",
    title: "A text",
    description: "Carries a text of the benchmark.",
    type: "object",
    additionalProperties: false,
    required: ["text"],
    properties: {
      text: text(MAX_TEXT_LENGTH),
      title: text(200),
      level: { enum: ["info", "warning", "error"] },
      target: text(128),
      locale: text(35),
    },
  };
}
