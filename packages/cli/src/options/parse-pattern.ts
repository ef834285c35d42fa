import { type EventPattern, parseEventPattern } from "@adaos/core";

/**
 * As the API's patterns; a bare namespace is taken for a prefix, as a user of a shell would type it. Throws `usage`.
 */
export function parsePattern(text: string): EventPattern {
  return parseEventPattern(/^[a-z][a-z0-9_-]*$/.test(text) ? `${text}.` : text);
}
