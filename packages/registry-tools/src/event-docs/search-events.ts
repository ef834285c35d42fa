import type { EventDoc } from "./event-doc.ts";

/** An event that a search has found, and where. */
export interface FoundEvent {
  readonly doc: EventDoc;
  /** The place of the last word that is not in its name: `field slots.city`, `producer skill.nlp`. */
  readonly where: string | undefined;
}

/** Longer questions are cut. */
const MAX_WORDS = 10;

/**
 * The events that have every word of a question: in the name, the description, a field's path or description, a
 * component that publishes or takes it, its kind, its status, or a classification. By name. Pure.
 */
export function searchEvents(events: readonly EventDoc[], question: string): FoundEvent[] {
  const words = question
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "")
    .slice(0, MAX_WORDS);
  return events.flatMap((doc) => {
    let where: string | undefined;
    for (const word of words) {
      const place = placeOf(doc, word);
      if (place === undefined) return [];
      if (place !== "") where = place;
    }
    return [{ doc, where }];
  });
}

/** Empty for a word of the name; undefined when it is nowhere. */
function placeOf({ ref, record, description, fields }: EventDoc, word: string): string | undefined {
  const has = (text: string | undefined): boolean => text?.toLowerCase().includes(word) === true;
  if (has(ref)) return "";
  const field = fields.find(({ path }) => has(path));
  if (field !== undefined) return `field ${field.path}`;
  if (has(record.summary) || has(description)) return "description";
  const producer = record.producers.find(has);
  if (producer !== undefined) return `producer ${producer}`;
  const consumer = record.consumers.find(has);
  if (consumer !== undefined) return `consumer ${consumer}`;
  if (has(record.kind)) return `kind ${record.kind}`;
  if (has(record.status)) return `status ${record.status}`;
  const classified = fields.find(({ classification }) => has(classification));
  if (classified !== undefined) return `classification of ${classified.path}`;
  const described = fields.find((one) => has(one.description) || one.constraints.some(has));
  return described === undefined ? undefined : `description of ${described.path}`;
}
