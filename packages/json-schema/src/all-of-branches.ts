import { isObject, type JsonObject, withoutEmptyFragment } from "./schema-document.ts";

/** A schema file among the files that it may refer to. */
export interface SchemaScope {
  readonly root: JsonObject;
  /** The registry's schema with this `$id`. */
  find(uri: string): SchemaScope | undefined;
}

/** One of several schemas that all apply to the same data. */
export interface Branch {
  readonly scope: SchemaScope;
  readonly schema: JsonObject | boolean;
}

const MAX_BRANCHES = 200;

export function lead(scope: SchemaScope): Branch {
  return { scope, schema: scope.root };
}

/** A schema as a list of schemas that all apply, none of them with `$ref` or `allOf`. Pure. */
export function allOfBranches(whole: Branch): Branch[] {
  const found: Branch[] = [];
  const waiting = [whole];
  const seen = new Set<unknown>();
  for (let next = waiting.pop(); next !== undefined && found.length < MAX_BRANCHES; next = waiting.pop()) {
    const { scope, schema } = next;
    if (!isObject(schema)) {
      found.push(next);
      continue;
    }
    if (seen.has(schema)) continue;
    seen.add(schema);
    const { $ref: reference, allOf, ...others } = schema;
    // Draft-07 ignores keywords beside a reference.
    const isAlone = typeof reference === "string" && isDraft07(scope);
    const rest = isAlone ? {} : others;
    if (typeof reference === "string") {
      const target = follow(scope, reference);
      // An unresolvable reference stays: it equals only itself, and is otherwise a gap.
      if (target === undefined) found.push({ scope, schema: { $dynamicRef: reference } });
      else waiting.push(target);
    }
    if (Array.isArray(allOf) && !isAlone) for (const one of allOf) waiting.push({ scope, schema: one });
    found.push({ scope, schema: rest });
  }
  // A schema beyond the limit is treated as a dangling reference.
  if (waiting.length > 0) found.push({ scope: whole.scope, schema: { $dynamicRef: "too many" } });
  return found;
}

function isDraft07({ root }: SchemaScope): boolean {
  return typeof root["$schema"] === "string" && root["$schema"].includes("draft-07");
}

/** The target of a reference: within the file by pointer or anchor, or in another file by its `$id`. */
function follow(scope: SchemaScope, reference: string): Branch | undefined {
  const hash = reference.indexOf("#");
  const uri = hash < 0 ? reference : reference.slice(0, hash);
  const fragment = hash < 0 ? "" : reference.slice(hash + 1);
  const own = typeof scope.root["$id"] === "string" ? withoutEmptyFragment(scope.root["$id"]) : "";
  const target = uri === "" || uri === own ? scope : scope.find(uri);
  if (target === undefined) return undefined;
  if (fragment === "") return { scope: target, schema: target.root };
  if (!fragment.startsWith("/")) {
    const anchored = anchor(target.root, fragment);
    return anchored === undefined ? undefined : { scope: target, schema: anchored };
  }
  let value: unknown = target.root;
  for (const token of decodeURIComponent(fragment).slice(1).split("/")) {
    const name = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as JsonObject)[name];
  }
  return isObject(value) || typeof value === "boolean" ? { scope: target, schema: value } : undefined;
}

function anchor(schema: unknown, name: string): JsonObject | undefined {
  if (typeof schema !== "object" || schema === null) return undefined;
  if ((schema as JsonObject)["$anchor"] === name) return schema as JsonObject;
  for (const inner of Object.values(schema)) {
    const found = anchor(inner, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Keywords that do not affect validity. */
const ANNOTATIONS: ReadonlySet<string> = new Set([
  "$anchor",
  "$comment",
  "$defs",
  "$id",
  "$schema",
  "default",
  "definitions",
  "deprecated",
  "description",
  "examples",
  "readOnly",
  "title",
  "writeOnly",
]);

/** Whether two schemas are equal except for annotations, also behind their references. Pure. */
export function sameSchema(a: Branch, b: Branch): boolean {
  return same(a.scope, a.schema, b.scope, b.schema, new Map());
}

function same(
  aScope: SchemaScope,
  a: unknown,
  bScope: SchemaScope,
  b: unknown,
  seen: Map<unknown, unknown>,
): boolean {
  if (Object.is(a, b) && (aScope === bScope || typeof a !== "object")) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((one, i) => same(aScope, one, bScope, b[i], seen));
  }
  if (!isObject(a) || !isObject(b)) return false;
  if (seen.get(a) === b) return true;
  seen.set(a, b);
  if (typeof a["$ref"] !== typeof b["$ref"]) return false;
  if (typeof a["$ref"] === "string" && typeof b["$ref"] === "string") {
    const [x, y] = [follow(aScope, a["$ref"]), follow(bScope, b["$ref"])];
    if (x === undefined || y === undefined) return false;
    if (!same(x.scope, x.schema, y.scope, y.schema, seen)) return false;
  }
  const names = new Set([...Object.keys(a), ...Object.keys(b)].filter((name) => !isAnnotation(name)));
  return [...names].every(
    (name) =>
      Object.hasOwn(a, name) && Object.hasOwn(b, name) && same(aScope, a[name], bScope, b[name], seen),
  );
}

function isAnnotation(keyword: string): boolean {
  // The audience of a field is part of the contract.
  if (keyword === "x-classification") return false;
  return keyword === "$ref" || ANNOTATIONS.has(keyword) || keyword.startsWith("x-");
}
