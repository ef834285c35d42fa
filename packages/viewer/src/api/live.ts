/** `GET /api/contracts/:event/schema`: what a version of an event promises. */
export interface EventSchema {
  readonly name: string;
  readonly version: number;
  readonly kind: "event" | "command" | "reply";
  readonly summary: string;
  readonly status: string;
  /** The schema's own `x-version`; empty where it has none. */
  readonly schemaVersion: string;
  /** The fields at the top of the data. */
  readonly fields: readonly SchemaField[];
  /** The JSON Schema; examples and defaults of classified data are masked. */
  readonly schema: unknown;
}

export interface SchemaField {
  readonly name: string;
  /** `json`: more than a line can hold. */
  readonly kind: "string" | "number" | "integer" | "boolean" | "enum" | "json";
  readonly isRequired: boolean;
  /** Whether something in it is masked. */
  readonly isClassified: boolean;
  readonly description: string;
  /** Of an `enum`. */
  readonly values: readonly (string | number | boolean | null)[];
  /** What it must be, beyond its kind: `1 to 200 characters`. */
  readonly rule: string;
  /** The value of a field that is left out. */
  readonly default?: unknown;
}

/** `POST /api/events`: an event that an operator publishes as a member. */
export interface PublishRequest {
  /** With its version: `ui.notify@1`. */
  readonly event: string;
  /** `subnet/member` of this machine. */
  readonly as: string;
  readonly data: unknown;
  readonly correlationId?: string;
}

/** Where it was stored. */
export interface PublishAnswer {
  readonly event_id: string;
  readonly subject: string;
  readonly stream: string;
  readonly seq: number;
  readonly duplicate: boolean;
}
