import { type Draft, isObject, type JsonObject, mapSubschemas } from "@adaos/json-schema";

/** The references of a schema, for its copy. */
export interface SchemaLinks {
  draftOf(schema: JsonObject): Draft;
  targetsOf(schema: JsonObject): readonly (JsonObject | boolean)[];
}

/** Keywords that name a schema or contain others: in a document schemas are found by their keys. */
const NAMES = [
  "$anchor",
  "$comment",
  "$defs",
  "$dynamicAnchor",
  "$id",
  "$schema",
  "$vocabulary",
  "definitions",
];

/** A copy of a schema in draft 2020-12 that works anywhere; `links` gives its references. Pure. */
export function standAlone(schema: JsonObject, links: SchemaLinks): JsonObject {
  const targets = links.targetsOf(schema);
  const isOld = links.draftOf(schema) === "draft-07";
  // In draft-07 keywords beside a reference do not count.
  const { $ref: _ref, $dynamicRef: _dynamic, ...own } = isOld && targets.length > 0 ? {} : schema;
  for (const keyword of NAMES) delete own[keyword];
  const rest = mapSubschemas(own, (inner) => standAlone(inner, links));
  const copy = isOld ? modern(rest) : rest;
  const [target] = targets;
  if (target === undefined) return copy;
  if (targets.length === 1 && isObject(target) && Object.keys(copy).length === 0) return target;
  // Not beside it: many readers ignore keywords beside a reference.
  return { ...copy, allOf: [...targets, ...(Array.isArray(copy["allOf"]) ? copy["allOf"] : [])] };
}

/** Translates keywords of draft-07. */
function modern({ items, additionalItems, dependencies, ...rest }: JsonObject): JsonObject {
  if (Array.isArray(items)) {
    if (items.length > 0) rest["prefixItems"] = items;
    if (additionalItems !== undefined) rest["items"] = additionalItems;
  } else if (items !== undefined) {
    rest["items"] = items;
  }
  if (!isObject(dependencies)) return rest;
  const entries = Object.entries(dependencies);
  const lists = entries.filter(([, value]) => Array.isArray(value));
  const schemas = entries.filter(([, value]) => !Array.isArray(value));
  if (lists.length > 0) rest["dependentRequired"] = Object.fromEntries(lists);
  if (schemas.length > 0) rest["dependentSchemas"] = Object.fromEntries(schemas);
  return rest;
}
