import type { SchemaField } from "../../api/live.ts";

type Schema = Readonly<Record<string, unknown>>;
type Value = SchemaField["values"][number];

const MAX_FIELDS = 100;
const MAX_VALUES = 200;

/**
 * The fields at the top of an event's data, required ones first. Pure.
 * @param classified Pointers into the data; `*` stands for any name.
 */
export function schemaFields(schema: Schema, classified: readonly string[]): SchemaField[] {
  const properties = isRecord(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  const fields = Object.entries(properties).map(([name, of]): SchemaField => {
    const property = isRecord(of) ? of : {};
    const kind = kindOf(property);
    const isClassified = classified.some((pointer) => isWithin(pointer, name));
    return {
      name,
      kind,
      isRequired: required.includes(name),
      isClassified,
      description: textOf(property["description"]),
      values: kind === "enum" ? valuesOf(property) : [],
      rule: ruleOf(property),
      ...("default" in property && !isClassified ? { default: property["default"] } : {}),
    };
  });
  return fields.toSorted((a, b) => Number(b.isRequired) - Number(a.isRequired)).slice(0, MAX_FIELDS);
}

function isWithin(pointer: string, name: string): boolean {
  const [, first] = pointer.split("/");
  return first === undefined || first === "*" || first.replaceAll("~1", "/").replaceAll("~0", "~") === name;
}

function kindOf(property: Schema): SchemaField["kind"] {
  const values = valuesOf(property);
  if (values.length > 0) return "enum";
  const { type } = property as { readonly type?: unknown };
  if (type === "string" || type === "number" || type === "integer" || type === "boolean") return type;
  return "json";
}

/** The values of an enumeration of single values; empty for another one. */
function valuesOf({ enum: listed, const: only }: Schema): readonly Value[] {
  const all = Array.isArray(listed) ? (listed as readonly unknown[]) : only === undefined ? [] : [only];
  return all.length <= MAX_VALUES && all.every(isSingle) ? all : [];
}

function isSingle(value: unknown): value is Value {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}

function ruleOf(property: Schema): string {
  const { minLength, maxLength, minimum, maximum, pattern, format } = property;
  const rules = [
    between(minLength, maxLength, "characters"),
    between(minimum, maximum, ""),
    typeof format === "string" ? format : "",
    typeof pattern === "string" ? `matches ${pattern.slice(0, 200)}` : "",
  ];
  return rules.filter((rule) => rule !== "").join(", ");
}

function between(low: unknown, high: unknown, what: string): string {
  if (typeof low === "number" && typeof high === "number") return `${low} to ${high} ${what}`.trim();
  if (typeof low === "number") return `at least ${low} ${what}`.trim();
  return typeof high === "number" ? `at most ${high} ${what}`.trim() : "";
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 500) : "";
}

function isRecord(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
