/*
 * What drivers write in their errors comes from anywhere: connection strings, options, answers of servers. Whole URLs
 * go, since any part of one may be a secret. So does what stands after a word for a secret, and whatever the caller
 * knows to be one.
 */

const MASK = "***";
/** Shorter values are in many words: masking them would spoil the text, and tell what they are. */
const MIN_VALUE = 4;
const MIN_ENVIRONMENT_VALUE = 6;
/** Characters of a text that is looked through; a longer one is cut first. */
const MAX_TEXT = 16_384;

/** `scheme://…`, also with a prefix as in `jdbc:postgresql://…`, up to what cannot belong to it. */
const URL_TEXT = /(?:[a-z][a-z0-9+.-]{0,30}:){1,3}\/\/[^\s"'`<>\\)\]}|]+/gi;
/** Forms of connection strings that are no URLs: `user:password@host`, `user/password@host`. */
const USER_INFO = /(?<![\w.%+-])[\w.%+-]{1,128}[:/][^\s@:/"'`]{1,256}@(?=[\w[/])/g;
const WORDS =
  "pass(?:word|wd|phrase)?|pwd|secret|token|auth(?:orization|[-_ ]?token)?|api[-_ ]?key|access[-_ ]?key(?:[-_ ]?id)?|account[-_ ]?key|shared[-_ ]?access[-_ ]?key|private[-_ ]?key|client[-_ ]?secret|credentials?|jwt|sas|sig(?:nature)?|seed|nkey|cookie|session(?:[-_ ]?id)?|requirepass|masterauth|user(?:[-_ ]?(?:id|name))?|uid";
/** `password=…`, `"authToken": "…"`, `PGPASSWORD=…`, `--password …`, in any quotes. */
const NAMED = new RegExp(
  `(?<![a-z])((?:[a-z0-9]{1,20}[-_])*(?:pg|mysql_?|redis_?|rediscli_?|libsql_?|turso_?)?(?:${WORDS})["'\`]?\\s*[=:]\\s*)("[^"]*"|'[^']*'|\`[^\`]*\`|\\{[^}]*\\}|(?:(?:bearer|basic|digest)\\s+)?[^\\s,;&"'\`)\\]}]+)`,
  "gi",
);
const OPTION =
  /(\s(?:-a|-p|--(?:pass(?:word)?|token|auth-token|secret|user|username))(?:\s+|=))("[^"]*"|'[^']*'|\S+)/gi;
const SCHEMED = /\b((?:bearer|basic|digest)\s+)[\w.~+/=-]{6,}/gi;
/** Redis' commands as errors quote them. */
const COMMAND = /\b((?:AUTH|HELLO \d AUTH)\s+)(\S+(?:\s+\S+)?)/g;
const JWT = /\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?/g;
/** Nkeys' seeds, AWS' and GitHub's keys, and other tokens that tell by their looks what they are. */
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
  let left = text.slice(0, MAX_TEXT);
  for (const value of valuesOf(known, environment)) left = left.replaceAll(value, MASK);
  return left
    .replaceAll(PEM, MASK)
    .replaceAll(URL_TEXT, MASK)
    .replaceAll(NAMED, (_, name: string) => name + MASK)
    .replaceAll(OPTION, (_, name: string) => name + MASK)
    .replaceAll(COMMAND, (_, name: string) => name + MASK)
    .replaceAll(SCHEMED, (_, scheme: string) => scheme + MASK)
    .replaceAll(USER_INFO, `${MASK}@`)
    .replaceAll(JWT, MASK)
    .replaceAll(SHAPED, MASK);
}

/** Where code stands: `at connect (file:///srv/app.js:12:5)`. */
const FRAME = /^ {4}at (?:[\w$.<>[\] #]{1,200} \()?(?:file:\/\/|node:|\/)[^\s()]{1,500}:\d+(?::\d+)?\)?$/;
const MAX_FRAMES = 30;

/** The same of an error: its name, message, and the places of its stack. Whatever else hangs on it is left out. */
export function errorWithoutSecrets(thrown: unknown, known: readonly string[]): Error {
  const { name, message, stack } = thrown instanceof Error ? thrown : new Error(String(thrown));
  const told = new Error(withoutSecrets(message, known));
  // A stack begins with the message, of any number of lines.
  const frames = (stack ?? "")
    .split("\n")
    .filter((line) => FRAME.test(line))
    .slice(0, MAX_FRAMES);
  return Object.defineProperties(told, {
    name: { value: name, configurable: true },
    stack: { value: [`${name}: ${told.message}`, ...frames].join("\n"), configurable: true },
  });
}

/** What a connection string holds that may stand alone in an error: itself, user, password, path and parameters. */
export function secretsIn(connection: string): string[] {
  const parts = [connection];
  try {
    const { username, password, searchParams } = new URL(connection);
    parts.push(username, password, ...searchParams.values());
  } catch {
    // No URL: it is one secret as a whole.
  }
  return parts.flatMap((part) => [part, decoded(part)]).filter((part) => part.length >= MIN_VALUE);
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
  const ofEnvironment = Object.values(environment).filter(
    (value): value is string => value !== undefined && value.length >= MIN_ENVIRONMENT_VALUE,
  );
  const values = new Set([...known.filter((value) => value.length >= MIN_VALUE), ...ofEnvironment]);
  return [...values].sort((a, b) => b.length - a.length);
}
