const COLON = /\s*:/y;

/**
 * The first key that stands twice in one object of a JSON text, or nothing. `JSON.parse()` keeps the last in silence,
 * and other readers the first: where a person wrote the text, it is refused. Takes valid JSON only.
 */
export function repeatedKey(json: string): string | undefined {
  /** Keys of the objects around, nothing for a list. */
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
