import type { EventPattern } from "@adaos/core";
import { nearest } from "@adaos/core/wire";

/** The maximum of events with the same first word that are named. */
const MAX_NAMED = 5;

/**
 * Why a pattern may match nothing: no registry declares such an event. Undefined when one does. Pure.
 * @param names Every event that is declared.
 */
export function undeclaredNote(pattern: EventPattern, names: readonly string[]): string | undefined {
  if (pattern.kind === "all") return undefined;
  const { stem } = pattern;
  const isPrefix = pattern.kind === "prefix";
  if (names.some((name) => (isPrefix ? name.startsWith(stem) : name === stem))) return undefined;
  const what = isPrefix ? `no event that begins with ${stem}` : `no event ${stem}`;
  return `${what} is declared in this mesh${hintFor(stem, names)}`;
}

function hintFor(text: string, names: readonly string[]): string {
  const [namespace = ""] = text.split(".");
  const near = nearest(text, names) ?? nearestNamespace(namespace, names);
  if (near !== undefined) return `; did you mean ${near}?`;
  const siblings = names.filter((name) => name.startsWith(`${namespace}.`));
  if (siblings.length === 0) return "; see adaos events topics";
  return `; there are ${siblings.slice(0, MAX_NAMED).join(", ")}${siblings.length > MAX_NAMED ? ", …" : ""}`;
}

/** The nearest declared prefix, `ui.` for `ux.`; two letters are too few for {@link nearest}. */
function nearestNamespace(namespace: string, names: readonly string[]): string | undefined {
  const namespaces = [...new Set(names.map((name) => name.split(".", 1)[0] ?? ""))];
  if (namespaces.includes(namespace)) return undefined;
  const near = nearest(namespace, namespaces);
  return near === undefined ? undefined : `${near}.`;
}
