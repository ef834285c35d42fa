import type { StoredMessage } from "./stored-messages.ts";

/**
 * A dead letter or record as it was written, or nothing: members write them, and servers store whatever they are sent.
 * @param texts Fields that must be there as text for a reader to make use of it.
 */
export function parseStored<T>(
  { body }: Pick<StoredMessage, "body">,
  ...texts: readonly (keyof T & string)[]
): T | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const fields = value as Record<string, unknown>;
  return texts.every((field) => typeof fields[field] === "string") ? (value as T) : undefined;
}
