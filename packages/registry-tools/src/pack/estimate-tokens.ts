/** Token limit of one part of a pack, by {@link estimateTokens}. */
export const MAX_PART_TOKENS = 8000;

/** The rule in words, for readers of a pack. */
export const TOKEN_RULE =
  "three ASCII characters, or one byte of any other in UTF-8, count as a token: an estimate, high for prose and code, and low only for text as dense as digests";

/** An estimate of a language model's tokens for a text, rather too high. */
export function estimateTokens(text: string): number {
  const bytes = Buffer.byteLength(text);
  const ascii = text.length - text.replaceAll(/[\0-\x7f]/g, "").length;
  return Math.ceil(ascii / 3) + bytes - ascii;
}
