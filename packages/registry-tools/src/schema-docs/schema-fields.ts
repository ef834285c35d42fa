import { isObject, type JsonObject } from "@adaos/json-schema";
import { constraintsOf } from "./schema-constraints.ts";

/** A place in an event's data and its allowed values. */
export interface SchemaField {
  /** `slots.*` any name in slots, `items[].id` of each item, `pair[0]` the first; `""` the data itself. */
  readonly path: string;
  /** `string`, `array of string`, `string or null`. */
  readonly type: string;
  readonly required: boolean;
  readonly constraints: readonly string[];
  /** JSON text. */
  readonly default?: string;
  readonly description: string;
  /** `x-classification`. */
  readonly classification?: string;
  readonly deprecated: boolean;
  /** The condition of the row, where it does not always apply: `anyOf 2 of 3`. */
  readonly choice: string;
}

type Schema = JsonObject | boolean;
type TargetsOf = (schema: JsonObject) => readonly Schema[];

/** Limit of fields; the last row says that more are left out. */
export const MAX_FIELDS = 5000;
const MAX_DEPTH = 24;
/** Limit of schemas for one place: references to references can make millions. */
const MAX_BRANCHES = 200;

/** The fields that a schema declares; nested fields follow their parents. Pure. */
export function schemaFields(root: JsonObject, targetsOf: TargetsOf): SchemaField[] {
  const list = new FieldList(targetsOf);
  list.visit({ path: "", schemas: [root], required: true, choice: "", above: new Set(), depth: 0 });
  const [first, ...rest] = list.fields;
  // The data as a whole gets a row only if it is more than a plain object.
  const plain = first?.type === "object" && first.constraints.every((one) => one === "no other fields");
  return plain && first.classification === undefined ? rest : list.fields;
}

/** A place in the data and the schemas that apply to it. */
interface Visit {
  readonly path: string;
  readonly schemas: readonly Schema[];
  readonly required: boolean;
  readonly choice: string;
  /** Schemas of the enclosing places: a repetition is a loop. */
  readonly above: ReadonlySet<JsonObject>;
  readonly depth: number;
}

class FieldList {
  readonly fields: SchemaField[] = [];
  readonly #targetsOf: TargetsOf;

  constructor(targetsOf: TargetsOf) {
    this.#targetsOf = targetsOf;
  }

  visit(visit: Visit): void {
    if (this.fields.length > MAX_FIELDS) return;
    if (this.fields.length === MAX_FIELDS) {
      this.fields.push(note("…", `More than ${MAX_FIELDS} fields: the schema has the rest.`));
      return;
    }
    const held = this.#branches(visit.schemas);
    const recurs = held.some((schema) => visit.above.has(schema)) || visit.depth > MAX_DEPTH;
    this.fields.push(this.#row(visit, held, recurs));
    if (recurs) return;
    this.#within({ ...visit, above: new Set([...visit.above, ...held]), depth: visit.depth + 1 }, held);
  }

  /** All schemas that apply together with these: by reference and `allOf`. */
  #branches(schemas: readonly Schema[]): JsonObject[] {
    const found = new Set<JsonObject>();
    const waiting = schemas.toReversed();
    for (let next = waiting.pop(); next !== undefined && found.size < MAX_BRANCHES; next = waiting.pop()) {
      if (!isObject(next) || found.has(next)) continue;
      found.add(next);
      const all = Array.isArray(next["allOf"]) ? (next["allOf"] as Schema[]) : [];
      waiting.push(...[...this.#targetsOf(next), ...all].toReversed());
    }
    return [...found];
  }

  #row(
    { path, schemas, required, choice }: Visit,
    held: readonly JsonObject[],
    recurs: boolean,
  ): SchemaField {
    const first = (keyword: string): unknown =>
      held.find((schema) => Object.hasOwn(schema, keyword))?.[keyword];
    const classification = first("x-classification");
    const fallback = first("default");
    const description = first("description") ?? first("title") ?? "";
    return {
      path,
      type: schemas.includes(false) ? "nothing" : this.#typeOf(held, 0),
      required,
      constraints: [
        ...new Set(held.flatMap(constraintsOf)),
        ...(recurs ? ["holds the same again, as further up"] : []),
      ],
      ...(fallback === undefined ? {} : { default: JSON.stringify(fallback) }),
      description: path === "" && choice === "" ? "" : String(description),
      ...(classification === undefined ? {} : { classification: textOf(classification) }),
      deprecated: first("deprecated") === true,
      choice,
    };
  }

  #typeOf(held: readonly JsonObject[], depth: number): string {
    for (const schema of held) {
      const types = [schema["type"]].flat().filter((type) => typeof type === "string");
      if (types.length > 0) return types.map((type) => this.#named(type, held, depth)).join(" or ");
    }
    const listed = held.flatMap((schema) => valuesOf(schema) ?? []).map(jsonTypeOf);
    if (listed.length > 0) return [...new Set(listed)].join(" or ");
    const choices = held.flatMap((schema) => choicesOf(schema, "anyOf", "oneOf"));
    if (choices.length > 0 && depth < 4) {
      const types = choices.map((one) => this.#typeOf(this.#branches([one]), depth + 1));
      return types.includes("any") ? "any" : [...new Set(types)].join(" or ");
    }
    if (held.some((schema) => isObject(schema["properties"]))) return "object";
    if (held.some((schema) => schema["items"] !== undefined || schema["prefixItems"] !== undefined))
      return this.#named("array", held, depth);
    return "any";
  }

  #named(type: string, held: readonly JsonObject[], depth: number): string {
    const items = held.map((schema) => schema["items"]).find(isObject);
    if (type !== "array" || items === undefined || depth >= 4) return type;
    return `array of ${this.#typeOf(this.#branches([items]), depth + 1)}`;
  }

  #within(visit: Visit, held: readonly JsonObject[]): void {
    this.#properties(visit, held);
    this.#items(visit, held);
    for (const keyword of ["anyOf", "oneOf"]) {
      for (const schema of held) {
        const choices = choicesOf(schema, keyword);
        for (const [i, one] of choices.entries())
          this.#branch(visit, one, `${keyword} ${i + 1} of ${choices.length}`);
      }
    }
    for (const schema of held) {
      for (const keyword of ["if", "then", "else"]) {
        if (isSchema(schema[keyword])) this.#branch(visit, schema[keyword], keyword);
      }
      for (const keyword of ["dependentSchemas", "dependencies"]) {
        for (const [name, one] of entriesOf(schema[keyword])) {
          if (!Array.isArray(one)) this.#branch(visit, one as Schema, `with ${name}`);
        }
      }
    }
  }

  /** The additions of one alternative to a place. The place itself has its row. */
  #branch(visit: Visit, schema: Schema, choice: string): void {
    const held = this.#branches([schema]).filter((one) => !visit.above.has(one));
    if (held.length === 0) return;
    const label = visit.choice === "" ? choice : `${visit.choice}, ${choice}`;
    const constraints = [...new Set(held.flatMap(constraintsOf))];
    const describes = constraints.length > 0 || held.some(({ description }) => description !== undefined);
    const inner = {
      ...visit,
      choice: label,
      above: new Set([...visit.above, ...held]),
      depth: visit.depth + 1,
    };
    if (describes && this.fields.length < MAX_FIELDS) this.fields.push(this.#row(inner, held, false));
    this.#within(inner, held);
  }

  #properties(visit: Visit, held: readonly JsonObject[]): void {
    const required = new Set(
      held.flatMap((schema) => (Array.isArray(schema["required"]) ? schema["required"] : [])),
    );
    const named = new Map<string, Schema[]>();
    for (const [name, schema] of held.flatMap((one) => entriesOf(one["properties"])))
      named.set(name, [...(named.get(name) ?? []), schema as Schema]);
    const at = (name: string): string => (visit.path === "" ? name : `${visit.path}.${name}`);
    for (const [name, schemas] of named)
      this.visit({ ...visit, path: at(pathToken(name)), schemas, required: required.has(name) });
    for (const name of required) {
      if (!named.has(String(name)) && visit.choice === "")
        this.visit({ ...visit, path: at(pathToken(String(name))), schemas: [true], required: true });
    }
    for (const schema of held) {
      for (const [pattern, one] of entriesOf(schema["patternProperties"]))
        this.visit({ ...visit, path: at(`/${pattern}/`), schemas: [one as Schema], required: false });
      for (const keyword of ["additionalProperties", "unevaluatedProperties"]) {
        const rest = schema[keyword];
        if (isObject(rest)) this.visit({ ...visit, path: at("*"), schemas: [rest], required: false });
      }
    }
  }

  #items(visit: Visit, held: readonly JsonObject[]): void {
    for (const schema of held) {
      const { items } = schema;
      const tuple = schema["prefixItems"] ?? (Array.isArray(items) ? items : []);
      for (const [i, one] of (Array.isArray(tuple) ? tuple : []).entries())
        this.visit({ ...visit, path: `${visit.path}[${i}]`, schemas: [one as Schema], required: false });
      for (const rest of [items, schema["additionalItems"], schema["unevaluatedItems"], schema["contains"]]) {
        if (isObject(rest))
          this.visit({ ...visit, path: `${visit.path}[]`, schemas: [rest], required: false });
      }
    }
  }
}

function note(path: string, description: string): SchemaField {
  return { path, type: "", required: false, constraints: [], description, deprecated: false, choice: "" };
}

/** A name in a path: quoted where it could be read as another path. */
function pathToken(name: string): string {
  return /^[\p{L}\p{N}_$-]+$/u.test(name) ? name : JSON.stringify(name);
}

function choicesOf(schema: JsonObject, ...keywords: readonly string[]): Schema[] {
  return keywords.flatMap((keyword) => (Array.isArray(schema[keyword]) ? (schema[keyword] as Schema[]) : []));
}

function entriesOf(map: unknown): [string, unknown][] {
  return isObject(map) ? Object.entries(map) : [];
}

function isSchema(value: unknown): value is Schema {
  return isObject(value) || typeof value === "boolean";
}

function valuesOf(schema: JsonObject): readonly unknown[] | undefined {
  if (Object.hasOwn(schema, "const")) return [schema["const"]];
  return Array.isArray(schema["enum"]) ? schema["enum"] : undefined;
}

function jsonTypeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
