import { maskOf } from "@adaos/core/wire";

interface Field {
  /** `rooms[].name`; empty for the data as a whole. */
  readonly path: string;
  readonly classification?: string;
  /** As JSON. */
  readonly default?: string;
}

/** Fields without the defaults of classified data, of what is within it, and of what holds it. Pure. */
export function shownFields<T extends Field>(fields: readonly T[]): readonly T[] {
  const classified = fields.filter(({ classification }) => classification !== undefined);
  return fields.map((field) => {
    if (field.default === undefined) return field;
    const near = classified.filter(({ path }) => isWithin(path, field.path) || isWithin(field.path, path));
    if (near.length === 0) return field;
    const classes = near.some(({ classification }) => classification === "secret") ? "secret" : "pii";
    return { ...field, default: JSON.stringify(maskOf([classes])) };
  });
}

function isWithin(outer: string, path: string): boolean {
  if (outer === "" || path === outer) return true;
  return path.startsWith(outer) && ".[".includes(path[outer.length] ?? " ");
}
