/** Blank, and a token of JSON or nothing. */
const TOKEN =
  /[ \t\n\r]*([{}[\],:]|"[^"\\\p{Cc}]*(?:\\(?:["\\/bfnrt]|u[0-9a-f]{4})[^"\\\p{Cc}]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?|true|false|null|)/iuy;

type Expected = "value" | "item or ]" | "key" | "key or }" | "colon" | "comma" | "end";

/**
 * Where a text stops to be JSON; its length where nothing is wrong but that it ends. `JSON.parse()` tells it in some of
 * its messages only. Pure.
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

/** What has to follow a token, or nothing where the token must not be there. */
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
