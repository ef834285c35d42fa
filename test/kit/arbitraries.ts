import fc from "fast-check";

/** A subnet or node name. */
export const originToken: fc.Arbitrary<string> = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,62}$/);

const nameToken = fc.stringMatching(/^[a-z][a-z0-9_-]{0,19}$/).filter((token) => !/^v[0-9]+$/.test(token));

/** An event name of 2 to 8 tokens. */
export const eventName: fc.Arbitrary<string> = fc
  .array(nameToken, { minLength: 2, maxLength: 8 })
  .map((tokens) => tokens.join("."));

/** A major version. */
export const version: fc.Arbitrary<number> = fc.integer({ min: 1, max: 9999 });

// Few tokens of few letters, so that patterns and names often match, share prefixes or nearly match.
const nearToken = fc.constantFrom("a", "b", "ab", "a-b", "a_b", "v");
const nearTokens = fc.array(nearToken, { minLength: 2, maxLength: 4 });

/** An event from a small set of names, where patterns often match. */
export const nearEvent: fc.Arbitrary<{ name: string; version: number }> = fc.record({
  name: nearTokens.map((tokens) => tokens.join(".")),
  version: fc.integer({ min: 1, max: 3 }),
});

/** Text of an event pattern from the same small set. */
export const nearPattern: fc.Arbitrary<string> = fc.oneof(
  { weight: 1, arbitrary: fc.constant("*") },
  {
    weight: 6,
    arbitrary: fc
      .array(nearToken, { minLength: 1, maxLength: 3 })
      .map((tokens) => tokens.map((token) => `${token}.`).join("")),
  },
  { weight: 3, arbitrary: nearEvent.map(({ name }) => name) },
  { weight: 3, arbitrary: nearEvent.map((event) => `${event.name}@${event.version}`) },
);

/** Hostile values for one token of a subject. */
export const HOSTILE_TOKENS: readonly (readonly [what: string, token: string])[] = [
  ["empty", ""],
  ["one wildcard", "*"],
  ["the rest wildcard", ">"],
  ["a wildcard inside", "a*"],
  ["a space", "a b"],
  ["a tab", "a\tb"],
  ["NUL", "a\0b"],
  ["CR LF", "a\r\nPUB evt 0"],
  ["a trailing line feed", "a\n"],
  ["an upper-case letter", "Kitchen"],
  ["a Cyrillic look-alike", "kit\u0441hen"],
  ["a full-width letter", "\uff41"],
  ["a combining mark", "a\u0301"],
  ["a zero-width space", "a\u200bb"],
  ["a right-to-left override", "a\u202eb"],
  ["half a surrogate pair", "a\ud800"],
  ["an emoji", "a\u{1f600}"],
  ["a dollar", "$JS"],
  ["a slash", "a/b"],
  ["an at", "a@1"],
  ["5,000 characters", "a".repeat(5000)],
];

/** JSON data that survives a round trip as text: no number beyond 2^53. */
export const jsonData: fc.Arbitrary<unknown> = fc
  .jsonValue({ maxDepth: 4, depthSize: "small" })
  .map((value): unknown => JSON.parse(JSON.stringify(value), (_, held: unknown) => withinPrecision(held)));

function withinPrecision(held: unknown): unknown {
  return typeof held === "number" && Math.abs(held) > Number.MAX_SAFE_INTEGER ? 0 : held;
}
