import type { Validation } from "@adaos/core";
import type { DataClass } from "@adaos/core/wire";
import {
  type ClassifiedData,
  DATA_CLASSES,
  escapePointer,
  MAX_JSON_DEPTH,
  maskOf,
  nearest,
} from "@adaos/core/wire";
import { isObject, type JsonObject, tokensOf } from "../schema-document.ts";
import { isInPlace, subschemas } from "./keywords.ts";
import { LinearPattern } from "./linear-pattern.ts";

/** Marks data as restricted: `secret` or `pii`. */
export const CLASSIFICATION = "x-classification";

/** A schema that classifies its data. */
export interface ClassifiedSpot {
  readonly class: DataClass;
  /** JSON pointer into the data; `*` stands for any name or index. */
  readonly pointer: string;
  /** Place of the keyword: `<file>:<line>:<column>`. */
  place(): string;
}

/** Keywords whose values are data, and not rules. */
const DATA_KEYWORDS: ReadonlySet<string> = new Set(["examples", "example", "default"]);

/** Limit of steps through a schema; references to references can make millions. */
const MAX_VISITS = 10_000;

/** The problem of this schema's classification, without nested schemas, or undefined. */
export function classProblem(
  schema: JsonObject,
): { readonly keyword: string; readonly told: string } | undefined {
  for (const keyword of Object.keys(schema)) {
    if (keyword === CLASSIFICATION) {
      if (isDataClass(schema[keyword])) continue;
      return { keyword, told: `must be ${DATA_CLASSES.map((one) => JSON.stringify(one)).join(" or ")}` };
    }
    // An unknown keyword is ignored, and the data that it should protect would be shown.
    if (nearest(keyword.toLowerCase(), [CLASSIFICATION]) === undefined) continue;
    return { keyword, told: `is unknown; did you mean ${CLASSIFICATION}?` };
  }
  return undefined;
}

function isDataClass(value: unknown): value is DataClass {
  return DATA_CLASSES.some((one) => one === value);
}

/** The references of a schema, for the search beyond its own keywords. */
export interface SchemaLinks {
  /** The schemas that it refers to. */
  targetsOf(schema: JsonObject): readonly JsonObject[];
  placeOf(schema: JsonObject, keyword: string): string;
}

/** The schemas for one place in the data, as far as they lead to classified data. */
type Judges = readonly JsonObject[];

/**
 * The classifications of one schema, at any place of it. It ignores the data: every branch of a schema (`anyOf`,
 * `if`, `not` …) is assumed to apply, so data that any branch classifies is masked.
 */
export class SchemaClassification implements ClassifiedData {
  readonly classes: readonly DataClass[];
  readonly spots: readonly ClassifiedSpot[];
  readonly #schema: JsonObject;
  readonly #links: SchemaLinks;
  /** Schemas that lead to classified data. */
  readonly #leading: ReadonlySet<JsonObject>;
  readonly #inPlace = new Map<JsonObject, Judges>();
  readonly #patterns = new Map<string, LinearPattern>();
  readonly #root: Judges;

  constructor(root: JsonObject, links: SchemaLinks) {
    this.#schema = root;
    this.#links = links;
    this.#leading = leadingFrom(root, links);
    this.#root = this.#judgesOf([root]);
    this.spots = this.#leading.size === 0 ? [] : this.#findSpots();
    const found = new Set([...this.#leading].map((schema) => schema[CLASSIFICATION]));
    this.classes = DATA_CLASSES.filter((one) => found.has(one));
  }

  mask(data: unknown, onMasked: (value: unknown) => void = () => undefined): unknown {
    return this.#mask(data, this.#root, onMasked, 0);
  }

  /**
   * The schema as it may be shown: examples and defaults of classified data are masked, and those of data around it.
   * Its rules stay, since whoever publishes must know them.
   */
  shownSchema(): JsonObject {
    const hidden = this.#hidingDefaults();
    if (hidden.size === 0) return this.#schema;
    const mask = maskOf(this.classes);
    const shown = (of: unknown): unknown => {
      if (Array.isArray(of)) return of.map(shown);
      if (!isObject(of)) return of;
      const isHidden = hidden.has(of);
      const entries = Object.entries(of).map(([key, value]) => {
        const isData = isHidden && DATA_KEYWORDS.has(key);
        return [key, isData ? (Array.isArray(value) ? [mask] : mask) : shown(value)] as const;
      });
      return Object.fromEntries(entries);
    };
    return shown(this.#schema) as JsonObject;
  }

  /** Schemas that lead to classified data, and all within it, by reference too. */
  #hidingDefaults(): ReadonlySet<JsonObject> {
    const within = new Set([...this.#leading].filter((schema) => isDataClass(schema[CLASSIFICATION])));
    for (const schema of within) {
      for (const [, inner] of applied(schema)) within.add(inner);
      for (const target of this.#links.targetsOf(schema)) within.add(target);
    }
    return new Set([...this.#leading, ...within]);
  }

  /** A verdict without keys of classified values. */
  veiled({ valid, violations }: Validation): Validation {
    if (valid) return { valid, violations };
    return { valid, violations: violations.map((one) => ({ ...one, pointer: this.#veil(one.pointer) })) };
  }

  #mask(data: unknown, judges: Judges, onMasked: (value: unknown) => void, depth: number): unknown {
    if (judges.length === 0) return data;
    const classes = classesOf(judges);
    if (
      classes.length > 0 ||
      depth > MAX_JSON_DEPTH ||
      (typeof data === "string" && this.#isContentClassified(judges))
    ) {
      onMasked(data);
      return maskOf(classes.length > 0 ? classes : this.classes);
    }
    if (Array.isArray(data)) {
      return data.map((item, i) => this.#mask(item, this.#within(judges, i), onMasked, depth + 1));
    }
    if (!isObject(data)) return data;
    if (this.#namesAreClassified(judges)) {
      onMasked(Object.keys(data));
      onMasked(data);
      return maskOf(this.classes);
    }
    const masked = Object.entries(data).map(([key, value]) => {
      return [key, this.#mask(value, this.#within(judges, key), onMasked, depth + 1)] as const;
    });
    return Object.fromEntries(masked);
  }

  /** The pointer, cut where it enters a classified value. */
  #veil(pointer: string): string {
    let judges = this.#root;
    let shown = "";
    for (const token of tokensOf(pointer)) {
      if (classesOf(judges).length > 0 || this.#namesAreClassified(judges)) return shown;
      const item = /^\d+$/.test(token) ? this.#within(judges, Number(token)) : [];
      judges = [...new Set([...this.#within(judges, token), ...item])];
      shown += `/${escapePointer(token)}`;
    }
    return shown;
  }

  #namesAreClassified(judges: Judges): boolean {
    return judges.some(({ propertyNames }) => isObject(propertyNames) && this.#leading.has(propertyNames));
  }

  #isContentClassified(judges: Judges): boolean {
    return judges.some(({ contentSchema }) => isObject(contentSchema) && this.#leading.has(contentSchema));
  }

  /** The schemas at the same place, by reference too, that lead on. */
  #judgesOf(schemas: readonly unknown[]): Judges {
    const judges = new Set<JsonObject>();
    for (const schema of schemas) {
      if (!isObject(schema) || !this.#leading.has(schema)) continue;
      for (const one of this.#allInPlace(schema)) judges.add(one);
    }
    return [...judges];
  }

  #allInPlace(schema: JsonObject): Judges {
    const known = this.#inPlace.get(schema);
    if (known !== undefined) return known;
    const found = new Set<JsonObject>([schema]);
    for (const one of found) {
      for (const [way, inner] of subschemas(one))
        if (isInPlace(way) && this.#leading.has(inner)) found.add(inner);
      for (const target of this.#links.targetsOf(one)) if (this.#leading.has(target)) found.add(target);
    }
    const all = [...found];
    this.#inPlace.set(schema, all);
    return all;
  }

  /** The schemas for a name or an index. */
  #within(judges: Judges, step: string | number): Judges {
    if (judges.length === 0) return judges;
    return this.#judgesOf(
      judges.flatMap((schema) =>
        typeof step === "string" ? this.#named(schema, step) : itemsOf(schema, step),
      ),
    );
  }

  #named(schema: JsonObject, name: string): unknown[] {
    const { properties, patternProperties, additionalProperties, unevaluatedProperties } = schema;
    const found: unknown[] = [];
    if (isObject(properties) && Object.hasOwn(properties, name)) found.push(properties[name]);
    if (isObject(patternProperties)) {
      for (const [pattern, inner] of Object.entries(patternProperties)) {
        if (this.#pattern(pattern).test(name)) found.push(inner);
      }
    }
    if (found.length === 0) found.push(additionalProperties);
    return [...found, unevaluatedProperties];
  }

  #pattern(source: string): LinearPattern {
    const pattern = this.#patterns.get(source) ?? new LinearPattern(source);
    this.#patterns.set(source, pattern);
    return pattern;
  }

  #findSpots(): ClassifiedSpot[] {
    const spots: ClassifiedSpot[] = [];
    const onTheWay = new Set<JsonObject>();
    let visits = 0;
    const visit = (schema: JsonObject, pointer: string): void => {
      if (!this.#leading.has(schema) || onTheWay.has(schema) || ++visits > MAX_VISITS) return;
      onTheWay.add(schema);
      const found = schema[CLASSIFICATION];
      if (isDataClass(found)) {
        spots.push({ class: found, pointer, place: () => this.#links.placeOf(schema, CLASSIFICATION) });
      }
      for (const [way, inner] of applied(schema)) visit(inner, pointer + stepOf(way));
      for (const target of this.#links.targetsOf(schema)) visit(target, pointer);
      onTheWay.delete(schema);
    };
    visit(this.#root[0] as JsonObject, "");
    return spots;
  }
}

function classesOf(judges: Judges): DataClass[] {
  return judges.map((schema) => schema[CLASSIFICATION]).filter(isDataClass);
}

/** In either draft: a list of `items` has a schema for each index. */
function itemsOf(
  { items, prefixItems, additionalItems, contains, unevaluatedItems }: JsonObject,
  i: number,
): unknown[] {
  const places = Array.isArray(items) ? items : Array.isArray(prefixItems) ? prefixItems : [];
  const rest = Array.isArray(items) ? additionalItems : items;
  return [i < places.length ? places[i] : rest, contains, unevaluatedItems];
}

/** The nested schemas that apply to data: definitions apply only where they are referred to. */
function applied(schema: JsonObject): (readonly [way: string, schema: JsonObject])[] {
  return subschemas(schema).filter(([way]) => !way.startsWith("/$defs/") && !way.startsWith("/definitions/"));
}

/** The step in the data for a step from a schema to a nested one. */
function stepOf(way: string): string {
  if (isInPlace(way)) return "";
  const [, keyword, name] = way.split("/");
  if (keyword === "contentSchema" || keyword === "propertyNames") return "";
  return keyword === "properties" ? `/${name}` : "/*";
}

/** The schemas that lead to classified data. */
function leadingFrom(root: JsonObject, links: SchemaLinks): Set<JsonObject> {
  const from = new Map<JsonObject, JsonObject[]>([[root, []]]);
  for (const [schema] of from) {
    for (const to of [...applied(schema).map(([, inner]) => inner), ...links.targetsOf(schema)]) {
      const sources = from.get(to);
      if (sources === undefined) from.set(to, [schema]);
      else sources.push(schema);
    }
  }
  const leading = new Set([...from.keys()].filter((schema) => isDataClass(schema[CLASSIFICATION])));
  for (const schema of leading) for (const source of from.get(schema) ?? []) leading.add(source);
  return leading;
}
