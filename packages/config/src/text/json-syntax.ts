/** White space, and a token of JSON or nothing. */
const TOKEN =
  /[ \t\n\r]*([{}[\],:]|"[^"\\\p{Cc}]*(?:\\(?:["\\/bfnrt]|u[0-9a-f]{4})[^"\\\p{Cc}]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?|true|false|null|)/iuy;

type Expected = "value" | "item or ]" | "key" | "key or }" | "colon" | "comma" | "end";

/**
 * Offset of the first error in a JSON text; its length if the text only ends too early. Only some messages of
 * `JSON.parse()` contain it. Pure.
 */
export function syntaxErrorOffset(text: string): number {
  const around: ("{" | "[")[] = [];
  let expected: Expected = "value";
  let at = 0;
  for (;;) {
    TOKEN.lastIndex = at;
    const [whole = "", token = ""] = TOKEN.exec(text) ?? [];
    const start = at + whole.length - token.length;
    const next: Expected | undefined = token === "" ? undefined : step(expected, token, around);
    if (next === undefined) return start;
    expected = next;
    at = start + token.length;
  }
}

/** The expectation after a token; undefined where the token is wrong. */
function step(expected: Expected, token: string, around: ("{" | "[")[]): Expected | undefined {
  const after = (): Expected => (around.length === 0 ? "end" : "comma");
  switch (expected) {
    case "colon":
      return token === ":" ? "value" : undefined;
    case "comma":
      if (token === ",") return around.at(-1) === "{" ? "key" : "value";
      break;
    case "key":
    case "key or }":
      if (token.startsWith('"')) return "colon";
      if (expected === "key") return undefined;
      break;
    case "value":
    case "item or ]":
      if (token === "{" || token === "[") {
        around.push(token);
        return token === "{" ? "key or }" : "item or ]";
      }
      if (!/^[\]},:]$/.test(token)) return after();
      if (expected === "value") return undefined;
      break;
    case "end":
      return undefined;
  }
  if (token !== (around.at(-1) === "{" ? "}" : "]")) return undefined;
  around.pop();
  return after();
}
