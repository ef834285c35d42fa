import type { SchemaField } from "../../../api/live.ts";

/** The texts of a form, by the name of the field. A text that is missing or empty leaves an optional field out. */
export type FieldTexts = Readonly<Record<string, string>>;

/** What a form's texts mean; `problems` has a sentence for each field that is not understood. */
export interface FormData {
  readonly data: unknown;
  readonly problems: Readonly<Record<string, string>>;
}

/** The field that stands for all the data, where it has no fields of its own, and for what its schema does not name. */
export const REST = "";

/** The texts with which a form begins. Masked values are left out: they are not the originals. Pure. */
export function textsOf(fields: readonly SchemaField[], data: unknown): FieldTexts {
  if (!isRecord(data) || fields.length === 0) return { [REST]: data === undefined ? "" : jsonOf(data) };
  const texts: Record<string, string> = {};
  for (const field of fields)
    if (Object.hasOwn(data, field.name) && !field.isClassified)
      texts[field.name] = textOf(field, data[field.name]);
  const rest = Object.entries(data).filter(([name]) => !fields.some((field) => field.name === name));
  if (rest.length > 0) texts[REST] = jsonOf(Object.fromEntries(rest));
  return texts;
}

/** The data that a form's texts make. Pure. */
export function dataOf(fields: readonly SchemaField[], texts: FieldTexts): FormData {
  const problems: Record<string, string> = {};
  const rest = texts[REST] ?? "";
  const madeRest: Made = rest === "" ? { value: undefined } : parsed(rest);
  if ("problem" in madeRest) problems[REST] = madeRest.problem;
  const others = "value" in madeRest ? madeRest.value : undefined;
  if (fields.length === 0) return { data: others ?? null, problems };
  const entries: [string, unknown][] = isRecord(others) ? Object.entries(others) : [];
  for (const field of fields) {
    const text = texts[field.name] ?? "";
    // An empty text is a value of a required string alone; what it must be, the schema says.
    if (text === "" && !(field.isRequired && field.kind === "string")) {
      if (field.isRequired) problems[field.name] = "is required";
      continue;
    }
    const made = valueIn(field, text);
    if ("problem" in made) problems[field.name] = made.problem;
    else entries.push([field.name, made.value]);
  }
  return { data: Object.fromEntries(entries), problems };
}

/** The first part of a JSON pointer: the field that an error belongs to; {@link REST} for all of the data. Pure. */
export function fieldOfPointer(pointer: string): string {
  const [, first = REST] = pointer.split("/");
  return first.replaceAll("~1", "/").replaceAll("~0", "~");
}

type Made = { readonly value: unknown } | { readonly problem: string };

function valueIn({ kind, values }: SchemaField, text: string): Made {
  switch (kind) {
    case "string":
      return { value: text };
    case "enum": {
      const value = values.find((one) => JSON.stringify(one) === text);
      return value === undefined ? { problem: "is none of the values" } : { value };
    }
    case "boolean":
      return text === "true" || text === "false"
        ? { value: text === "true" }
        : { problem: "is true or false" };
    case "number":
    case "integer": {
      const value = Number(text);
      const isWrong =
        text.trim() === "" || !Number.isFinite(value) || (kind === "integer" && !Number.isInteger(value));
      return isWrong ? { problem: kind === "integer" ? "is a whole number" : "is a number" } : { value };
    }
    case "json":
      return parsed(text);
  }
}

function textOf({ kind }: SchemaField, value: unknown): string {
  // A value of another kind than the schema says is shown as it is: the server tells what is wrong with it.
  return kind === "string" && typeof value === "string" ? value : jsonOf(value);
}

function parsed(text: string): Made {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return { problem: "is not JSON" };
  }
}

function jsonOf(value: unknown): string {
  return JSON.stringify(value, undefined, typeof value === "object" ? 2 : undefined) ?? "";
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
