import { isObject } from "@adaos/json-schema";
import type { Known } from "./check-expression.ts";
import type { Checking, KnownEvent, Path } from "./checking.ts";
import { dataShape, type Shape } from "./shapes.ts";

/** A value in the data that is computed: its pointer, and its type in CEL. */
interface Computed {
  readonly pointer: string;
  readonly path: Path;
  readonly type: string;
}

/** Checks the data of a publish or request against the event's schema, as far as it is known before. */
export function checkData(
  checking: Checking,
  path: Path,
  data: unknown,
  event: KnownEvent | undefined,
  known: Known,
): void {
  const computed: Computed[] = [];
  const sample = collect(checking, [...path, "data"], "", data ?? {}, known, computed);
  if (event === undefined) return;
  const { name, version } = event;
  const { registry } = checking.context;
  for (const { pointer, expected } of registry.violationsOf(name, version, sample)) {
    if (computed.some((one) => isWithin(pointer, one.pointer) || isOutside(pointer, expected, one.pointer)))
      continue;
    const at = [...path, ...(data === undefined ? [] : ["data", ...tokensOf(pointer)])];
    checking.error(at, `data${pointer} of ${name}@${version} ${expected}`);
  }
  const shape = dataShape(registry, name, version);
  for (const one of computed) {
    const wanted = shapeAt(shape, tokensOf(one.pointer))?.type ?? "dyn";
    if (fits(one.type, wanted)) continue;
    checking.error(
      one.path,
      `data${one.pointer} of ${name}@${version} must be ${wanted}, is ${one.type} here`,
      0,
    );
  }
}

/** The data with its computed values left out, which are collected. */
function collect(
  checking: Checking,
  path: Path,
  pointer: string,
  value: unknown,
  known: Known,
  computed: Computed[],
): unknown {
  const inner = (key: string | number, one: unknown): unknown => {
    const token = String(key).replaceAll("~", "~0").replaceAll("/", "~1");
    return collect(checking, [...path, key], `${pointer}/${token}`, one, known, computed);
  };
  if (Array.isArray(value)) return value.map((item, i) => inner(i, item));
  if (isObject(value))
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, inner(key, one)]));
  if (typeof value !== "string") return value;
  const type = checking.template(path, value, known);
  if (type === undefined) return value.replaceAll("$${", "${");
  computed.push({ pointer, path, type });
  return null;
}

/** Whether a fault is that of a computed value, which is not known yet. */
function isWithin(fault: string, computed: string): boolean {
  return fault === computed || fault.startsWith(`${computed}/`);
}

/** Whether a fault around a computed value may come from its not being known. */
function isOutside(fault: string, expected: string, computed: string): boolean {
  const isAbout = expected === "is required" || expected === "is no property of the schema";
  return !isAbout && (fault === "" || computed.startsWith(`${fault}/`));
}

function tokensOf(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function shapeAt(shape: Shape, tokens: readonly string[]): Shape | undefined {
  let at = shape;
  for (const token of tokens) {
    if (at.type === "list") {
      at = at.item();
      continue;
    }
    const field = at.field(token);
    if (field.kind !== "found") return undefined;
    at = field.shape;
  }
  return at;
}

const JSON_TYPES: Readonly<Record<string, string>> = {
  int: "double",
  uint: "double",
  "google.protobuf.Timestamp": "string",
  "google.protobuf.Duration": "string",
};

function fits(type: string, wanted: string): boolean {
  const is = JSON_TYPES[type] ?? type.replace(/<.*/, "");
  return (
    wanted === "dyn" || is === wanted || !["string", "double", "bool", "list", "map", "null"].includes(is)
  );
}
