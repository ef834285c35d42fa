import { allOfBranches, type Branch, isObject, lead } from "@adaos/json-schema";
import type { FileRegistry } from "@adaos/registry";

/** What is known of a value before it is there. */
export interface Shape {
  /** Type in CEL; `dyn` where it is not known. */
  readonly type: string;
  field(name: string): Field;
  /** Elements of a list. */
  item(): Shape;
  /** Names of the fields that are known. */
  readonly known: readonly string[];
}

/** A field of a shape. `open`: nobody has declared it, and nobody forbids it. */
export type Field =
  | { readonly kind: "found"; readonly shape: Shape; readonly isRequired: boolean }
  | { readonly kind: "unknown" }
  | { readonly kind: "open" };

/** A value of which nothing is known. */
export const ANY: Shape = { type: "dyn", field: () => ({ kind: "open" }), item: () => ANY, known: [] };

/** A value of a type that has no fields. */
export function plain(type: string): Shape {
  return { type, field: () => ({ kind: "unknown" }), item: () => ANY, known: [] };
}

/** A map whose fields are these alone. */
export function fixed(fields: Readonly<Record<string, Shape>>): Shape {
  return {
    type: "map",
    field: (name) => {
      const shape = Object.hasOwn(fields, name) ? fields[name] : undefined;
      return shape === undefined ? { kind: "unknown" } : { kind: "found", shape, isRequired: true };
    },
    item: () => ANY,
    known: Object.keys(fields),
  };
}

/** The data of an event. Throws `unknown-event`. */
export function dataShape(registry: FileRegistry, name: string, version: number): Shape {
  return schemaShape([lead(registry.scopeOf(name, version))]);
}

/** A schema among those that apply to a value; `isCertain` unless it is one of alternatives. */
interface Part extends Branch {
  readonly isCertain: boolean;
}

const MAX_PARTS = 300;

function partsOf(whole: Branch, isCertain: boolean, found: Part[]): Part[] {
  for (const branch of allOfBranches(whole)) {
    if (found.length >= MAX_PARTS || !isObject(branch.schema)) continue;
    found.push({ ...branch, isCertain });
    const { anyOf, oneOf, then, else: otherwise } = branch.schema;
    const alternatives = [
      ...[anyOf, oneOf].flatMap((one) => (Array.isArray(one) ? one : [])),
      then,
      otherwise,
    ];
    for (const schema of alternatives)
      if (isObject(schema)) partsOf({ scope: branch.scope, schema }, false, found);
  }
  return found;
}

function schemaShape(wholes: readonly Branch[]): Shape {
  const parts = wholes.flatMap((whole) => partsOf(whole, wholes.length === 1, []));
  const known = [...new Set(parts.flatMap(({ schema }) => Object.keys(mapOf(schema, "properties"))))];
  return {
    type: typeOf(parts),
    known,
    field: (name) => fieldOf(parts, known, name),
    item: () => {
      const items = parts.flatMap(({ scope, schema }) =>
        [valueOfKey(schema, "items"), valueOfKey(schema, "prefixItems")]
          .flat()
          .filter(isObject)
          .map((inner) => ({ scope, schema: inner })),
      );
      return items.length === 0 ? ANY : schemaShape(items);
    },
  };
}

function valueOfKey(schema: unknown, key: string): unknown {
  return isObject(schema) && Object.hasOwn(schema, key) ? schema[key] : undefined;
}

function mapOf(schema: unknown, key: string): Record<string, unknown> {
  const map = valueOfKey(schema, key);
  return isObject(map) ? map : {};
}

function fieldOf(parts: readonly Part[], known: readonly string[], name: string): Field {
  const found: Branch[] = [];
  let isOpen = known.length === 0;
  let isClosed = false;
  for (const { scope, schema } of parts) {
    const declared = mapOf(schema, "properties");
    const others = valueOfKey(schema, "additionalProperties");
    if (Object.hasOwn(declared, name)) {
      const inner = declared[name];
      if (isObject(inner)) found.push({ scope, schema: inner });
      else isOpen = true;
    } else if (isObject(others)) found.push({ scope, schema: others });
    if (others === true || Object.keys(mapOf(schema, "patternProperties")).length > 0) isOpen = true;
    if (others === false || valueOfKey(schema, "unevaluatedProperties") === false) isClosed = true;
  }
  const isRequired = parts.some(({ schema, isCertain }) => {
    const required = valueOfKey(schema, "required");
    return isCertain && Array.isArray(required) && required.includes(name);
  });
  if (found.length > 0) return { kind: "found", shape: schemaShape(found), isRequired };
  if (isOpen && !isClosed) return { kind: "open" };
  return { kind: "unknown" };
}

const CEL_TYPES: Readonly<Record<string, string>> = {
  string: "string",
  number: "double",
  integer: "double",
  boolean: "bool",
  array: "list",
  object: "map",
  null: "null",
};

/** The one type that every possible value has, else `dyn`. */
function typeOf(parts: readonly Part[]): string {
  const certain = parts.filter(({ isCertain }) => isCertain);
  const types = (certain.length > 0 ? certain : parts).map(({ schema }) => typesOf(schema));
  const said = types.filter((one) => one !== undefined);
  if (said.length === 0 || (certain.length === 0 && said.length < types.length)) return "dyn";
  const all = new Set(said.flat());
  const [only, second] = all;
  return only !== undefined && second === undefined ? only : "dyn";
}

function typesOf(schema: unknown): string[] | undefined {
  const type = valueOfKey(schema, "type");
  const listed = valueOfKey(schema, "enum");
  if (type !== undefined) return [type].flat().map((one) => CEL_TYPES[String(one)] ?? "dyn");
  const values = Array.isArray(listed) ? listed : [];
  if (isObject(schema) && Object.hasOwn(schema, "const")) values.push(schema["const"]);
  return values.length === 0 ? undefined : values.map(typeOfValue);
}

function typeOfValue(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  return CEL_TYPES[typeof value] ?? "dyn";
}
