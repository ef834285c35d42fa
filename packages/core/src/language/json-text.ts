const COLON = /\s*:/y;

/**
 * The first repeated key in one object of a JSON text, or undefined. `JSON.parse()` silently keeps the last value,
 * other readers the first: callers refuse a repeated key in a file that a person wrote. Takes valid JSON only.
 */
export function repeatedKey(json: string): string | undefined {
  /** Keys of each enclosing object; undefined for a list. */
  const around: (Set<string> | undefined)[] = [];
  for (let i = 0; i < json.length; i++) {
    const char = json[i];
    if (char === "{") around.push(new Set());
    else if (char === "[") around.push(undefined);
    else if (char === "}" || char === "]") around.pop();
    if (char !== '"') continue;
    const start = i++;
    while (json[i] !== '"') i += json[i] === "\\" ? 2 : 1;
    COLON.lastIndex = i + 1;
    const keys = around.at(-1);
    if (keys === undefined || !COLON.test(json)) continue;
    // Parsed, since "a" may be written "\u0061" too.
    const key = JSON.parse(json.slice(start, i + 1)) as string;
    if (keys.has(key)) return key;
    keys.add(key);
  }
  return undefined;
}
