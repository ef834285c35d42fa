/*
 * Drivers write text from anywhere into their errors: connection strings, options, answers of servers. Whole URLs are
 * masked, since any part of one may be a secret. The same goes for the text after a word for a secret, and for every
 * secret that the caller knows.
 */

const MASK = "***";
/** Shorter values are in many words: masking them would spoil the text, and reveal the values. */
const MIN_VALUE = 4;
const MIN_ENVIRONMENT_VALUE = 6;
/** Characters of a text that is looked through; a longer one is cut first. */
const MAX_TEXT = 16_384;

/** `scheme://user:password@`, whatever the password holds: people forget to encode blanks, quotes and slashes. */
const URL_USER =
  /[a-z][a-z0-9+.-]{0,30}:\/\/[^\s/@:"'`]{0,128}:[^\n]{0,256}?@(?=[\w[(])(?![^\s@]{0,256}@)[^\s"'`<>)\]}|]+/gi;
/** `scheme://…`, also with a prefix as in `jdbc:postgresql://…`, up to what cannot belong to it. */
const URL_TEXT = /(?:[a-z][a-z0-9+.-]{0,30}:){1,3}(?:\/\/|\\\/\\\/)[^\s"'`<>)\]}|]+/gi;
/** Forms that are no URLs: `user:password@host`, `user/password@host`, `user:password@tcp(host)`. */
const USER_INFO = /(?<![\w.%+-])[\w.%+-]{1,128}[:/][^\s"'`]{1,256}@(?=[\w[/(])/g;
/** Words that mean a secret wherever they stand, as in `dbPassword`, */
const STRONG =
  "pass(?:word|wd|phrase|code)|passwd|pwd|secret|token|auth[-_ ]?token|api[-_ ]?key|access[-_ ]?key(?:[-_ ]?id)?|account[-_ ]?key|shared[-_ ]?access[-_ ]?key|private[-_ ]?key|client[-_ ]?secret|credentials?|session[-_ ]?id|requirepass|masterauth";
/** and only as words of their own, since they are parts of others. */
const WEAK =
  "pass|pw|auth(?:orization)?|jwt|sas|sig(?:nature)?|seed|nkey|cookie|session|user(?:[-_ ]?(?:id|name))?|uid";
const NAME = `(?:[\\w.-]{0,40}(?:${STRONG})|(?<![a-z])(?:[a-z0-9]{1,20}[-_])*(?:${WEAK}))`;
/** In quotes of any kind, which may be escaped within, or escaped themselves as in JSON within JSON. */
const QUOTED = [`"(?:[^"\\\\]|\\\\.)*"?`, `'(?:[^'\\\\]|\\\\.|'')*'?`, "`[^`]*`?"].join("|");
const VALUE = `\\\\+"(?:[^"\\\\]|\\\\(?!"))*(?:\\\\+"|$)|${QUOTED}|\\{[^}]*\\}|(?:[|>][-+]?\\s+)?(?:(?:bearer|basic|digest)\\s+)?[^\\s,;&"'\`)\\]}]+`;
/** `password=…`, `"authToken": "…"`, `PGPASSWORD=…`, `dbPassword: …`, `["x-api-key", "…"]`, in any quotes. */
const NAMED = new RegExp(`(${NAME}(?:\\\\*["'\`]\\s*,|\\\\*["'\`]?\\s*(?:=>|[=:]))\\s*)(${VALUE})`, "gi");
/** Headers whose value goes on to the end of the line. */
const HEADER = /\b((?:proxy-)?authorization|(?:set-)?cookie2?)(\s*[:=]\s*)(?!["'`\\])[^\r\n]+/gi;
const ELEMENT = new RegExp(`(<(?:[\\w.-]{0,40}:)?(?:${STRONG}|${WEAK})\\b[^>]{0,200}>)[^<]+`, "gi");
const OPTION =
  /((?:^|[\s"'`])(?:-a|-p|--(?:pass(?:word)?|token|auth-token|secret|user|username))(?:\s+|=))("(?:[^"\\]|\\.)*"|'[^']*'|\S+)/gi;
const SCHEMED = /\b((?:bearer|basic|digest)\s+)[\w.~+/=-]{6,}/gi;
/** Redis' commands as errors quote them. */
const COMMAND = /\b((?:AUTH|HELLO \d AUTH)\s+)(\S+(?:\s+(?!AUTH\b)\S+)?)/g;
const JWT = /\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?/g;
/** Nkeys' seeds, AWS' and GitHub's keys, and other tokens that are recognized by their form. */
const SHAPED =
  /\bS[AUONCX][A-Z2-7]{56}\b|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\b(?:gh[pousr]_|github_pat_|xox[abposr]-|sk[-_](?:live|test|proj)?[-_]?|glpat-|npm_|dop_v1_)[\w-]{10,}/g;
const PEM = /-----BEGIN [A-Z ]*-----[\s\S]*?(?:-----END [A-Z ]*-----|$)/g;

/**
 * A text without secrets: URLs, credentials, tokens, the values of environment variables, and `known` ones. Pure but
 * for the environment.
 * @param known Secrets that the caller knows of, such as the URL that a probe was given.
 */
export function withoutSecrets(
  text: string,
  known: readonly string[] = [],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  let left = cut(text);
  for (const value of valuesOf(known, environment)) left = left.replaceAll(value, MASK);
  return left
    .replaceAll(PEM, MASK)
    .replaceAll(URL_USER, MASK)
    .replaceAll(URL_TEXT, MASK)
    .replaceAll(HEADER, (_, name: string, is: string) => name + is + MASK)
    .replaceAll(NAMED, (_, name: string) => name + MASK)
    .replaceAll(ELEMENT, (_, name: string) => name + MASK)
    .replaceAll(OPTION, (_, name: string) => name + MASK)
    .replaceAll(COMMAND, (_, name: string) => name + MASK)
    .replaceAll(SCHEMED, (_, scheme: string) => scheme + MASK)
    .replaceAll(USER_INFO, `${MASK}@`)
    .replaceAll(JWT, MASK)
    .replaceAll(SHAPED, MASK);
}

/** Cuts at a blank: half a secret would not be recognized. */
function cut(text: string): string {
  if (text.length <= MAX_TEXT) return text;
  const most = text.slice(0, MAX_TEXT);
  const end = most.search(/\s\S*$/);
  return end < 0 ? MASK : `${most.slice(0, end)} …`;
}

/** Where code stands: `at connect (file:///srv/app.js:12:5)`. */
const FRAME = /^ {4}at (?:[\w$.<>[\] #]{1,200} \()?(?:file:\/\/|node:|\/)[^\s()]{1,500}:\d+(?::\d+)?\)?$/;
const MAX_FRAMES = 30;

/** The same for an error: its name, message, and the places of its stack. All other fields are left out. */
export function errorWithoutSecrets(thrown: unknown, known: readonly string[]): Error {
  const told = new Error(withoutSecrets(messageOfAny(thrown), known));
  const named = textOf(thrown, "name") || "Error";
  // A stack begins with the message, of any number of lines.
  const frames = textOf(thrown, "stack")
    .split("\n")
    .filter((line) => FRAME.test(line))
    .slice(0, MAX_FRAMES);
  return Object.defineProperties(told, {
    name: { value: named, configurable: true },
    stack: { value: [`${named}: ${told.message}`, ...frames].join("\n"), configurable: true },
  });
}

/** A text field of an error; empty where the error has none, or throws when it is read. */
function textOf(thrown: unknown, key: "name" | "stack"): string {
  try {
    const text: unknown = thrown instanceof Error ? thrown[key] : undefined;
    return typeof text === "string" ? text : "";
  } catch {
    return "";
  }
}

const MAX_CAUSES = 3;

/** Drivers throw anything; who tries several addresses says nothing itself, and why in its list of errors. */
function messageOfAny(thrown: unknown): string {
  try {
    if (!(thrown instanceof Error)) return String(thrown);
    const { message, errors, code } = thrown as { message: unknown; errors?: unknown; code?: unknown };
    if (typeof message === "string" && message !== "") return message;
    if (Array.isArray(errors) && errors.length > 0)
      return [...new Set(errors.slice(0, MAX_CAUSES).map(messageOfAny))].join("; ");
    return typeof code === "string" ? code : "";
  } catch {
    return "an error that cannot be read";
  }
}

/** The parts of a connection string that may stand alone in an error: itself, user, password and parameters. */
export function secretsIn(connection: string): string[] {
  const parts = [connection];
  // By hand too: not every connection string is a URL to Node, such as one of several hosts.
  const [, user = "", password = ""] = /^[a-z][a-z0-9+.-]*:\/\/([^:@/]*):?(.*)@/i.exec(connection) ?? [];
  parts.push(user, password, basicOf(user, password));
  for (const [, value = ""] of connection.matchAll(/[?&][^=&#]+=([^&#]+)/g)) parts.push(value);
  try {
    const url = new URL(connection);
    parts.push(url.username, url.password, ...url.searchParams.values());
    parts.push(basicOf(decoded(url.username), decoded(url.password)));
  } catch {
    // Not a URL: the parts found above are all there are.
  }
  return parts.flatMap((part) => [part, decoded(part)]).filter((part) => part.length >= MIN_VALUE);
}

/** The form in which a client sends user and password to a web server. */
function basicOf(user: string, password: string): string {
  return user + password === "" ? "" : Buffer.from(`${user}:${password}`).toString("base64");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The longest first: one may be part of another. */
function valuesOf(
  known: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  const ofEnvironment = Object.values(environment)
    .flatMap((value = "") => [
      value,
      ...value.split("\n"),
      ...(value.includes("://") ? secretsIn(value) : []),
    ])
    .filter((value) => value.length >= MIN_ENVIRONMENT_VALUE);
  const values = new Set([...known.filter((value) => value.length >= MIN_VALUE), ...ofEnvironment]);
  return [...values].sort((a, b) => b.length - a.length);
}
