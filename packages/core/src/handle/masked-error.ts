import type { ClassifiedData } from "../language/data-class.ts";
import { maskOf } from "../language/data-class.ts";
import { MeshError, messageOf } from "../language/errors.ts";
import { systemCodeOf } from "./classify.ts";

/** Shorter values are in many words: masking them would spoil the text, and reveal the values. */
const MIN_LENGTH = 4;
/** Values looked for in one error; the time it takes is at most this times the length of its text. */
const MAX_VALUES = 1000;
/** Characters of an error's text. */
const MAX_TEXT = 65_536;
const NOT_SHOWN = "(not shown: too much of it may be classified)";

/**
 * The error to report instead of one thrown while an event was handled. It has the same type, message and stack, with
 * every classified string or number of the event's data masked where it stands in them literally. Causes and other
 * fields, which may hold any value, are left out, except for a code of the system such as ENOSPC. The error itself when
 * the event's schema classifies nothing.
 */
export function maskedError(thrown: unknown, classified: ClassifiedData | undefined, data: unknown): unknown {
  if (classified === undefined) return thrown;
  const values = valuesOf(classified, data);
  const mask = maskOf(classified.classes);
  const masked = (text: string): string => maskText(text, values, mask);
  const message = masked(messageOf(thrown));
  if (!(thrown instanceof Error)) return message;
  const told =
    thrown instanceof MeshError
      ? new MeshError(thrown.code, message, thrown.rule === undefined ? {} : { rule: thrown.rule })
      : new Error(message);
  const stack = masked(messageOf(thrown.stack ?? ""));
  const code = told instanceof MeshError ? undefined : systemCodeOf(thrown);
  if (code !== undefined) Object.assign(told, { code });
  return Object.defineProperties(told, {
    // Not a string for certain, in spite of the declarations: any value can be assigned to the name and stack of an
    // error.
    name: { value: masked(messageOf(thrown.name)), configurable: true },
    stack: { value: stack, configurable: true },
  });
}

/** The classified values as texts, the longest first; nothing when they are too many to look for. */
function valuesOf(classified: ClassifiedData, data: unknown): string[] | undefined {
  const values = new Set<string>();
  const add = (text: string): void => {
    if (text.length < MIN_LENGTH || values.size > MAX_VALUES) return;
    values.add(text);
    // As it stands in data that was printed as JSON.
    values.add(JSON.stringify(text).slice(1, -1));
  };
  classified.mask(data, (masked) => {
    const open = [masked];
    for (let one = open.pop(); one !== undefined && values.size <= MAX_VALUES; one = open.pop()) {
      if (typeof one === "string" || typeof one === "number") add(String(one));
      else if (typeof one === "object" && one !== null)
        open.push(...Object.values(one).filter((held) => held !== undefined && held !== null));
    }
  });
  if (values.size > MAX_VALUES) return undefined;
  return [...values].sort((a, b) => b.length - a.length);
}

function maskText(text: string, values: readonly string[] | undefined, mask: string): string {
  if (values === undefined || text.length > MAX_TEXT) return NOT_SHOWN;
  return values.reduce((left, value) => left.replaceAll(value, () => mask), text);
}
