import { type Draft, isObject, type JsonObject, mapSubschemas } from "@adaos/json-schema";

/** What a schema refers to, as the copy is to say it. */
export interface SchemaLinks {
  draftOf(schema: JsonObject): Draft;
  targetsOf(schema: JsonObject): readonly (JsonObject | boolean)[];
}

/** Say what a schema is called or hold others: in a document everything is found by its key. */
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

/** A copy of a schema in draft 2020-12 that stands anywhere, its references given by `links`. Pure. */
export function standAlone(schema: JsonObject, links: SchemaLinks): JsonObject {
  const targets = links.targetsOf(schema);
  const isOld = links.draftOf(schema) === "draft-07";
  // In draft-07 what stands beside a reference does not count.
  const { $ref: _ref, $dynamicRef: _dynamic, ...own } = isOld && targets.length > 0 ? {} : schema;
  for (const keyword of NAMES) delete own[keyword];
  const rest = mapSubschemas(own, (inner) => standAlone(inner, links));
  const copy = isOld ? modern(rest) : rest;
  const [target] = targets;
  if (target === undefined) return copy;
  if (targets.length === 1 && isObject(target) && Object.keys(copy).length === 0) return target;
  // Not beside it: many readers drop what stands beside a reference.
  return { ...copy, allOf: [...targets, ...(Array.isArray(copy["allOf"]) ? copy["allOf"] : [])] };
}

/** What draft-07 says by other keywords. */
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
