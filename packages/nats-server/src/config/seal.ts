import { createHash } from "node:crypto";

/** The last line of a config file, with the digest of everything before it. */
const SEAL = /^# sha256 ([0-9a-f]{64})\n$/;

/**
 * Ends a config with its digest. A server reads a truncated or garbled config as a short one: it then listens on every
 * address, without accounts and without a store.
 */
export function sealed(text: string): string {
  return `${text}# sha256 ${digestOf(text)}\n`;
}

/** Whether a config is complete and unchanged. Pure. */
export function isSealed(text: string): boolean {
  const at = text.lastIndexOf("\n", text.length - 2) + 1;
  const told = SEAL.exec(text.slice(at))?.[1];
  return told !== undefined && told === digestOf(text.slice(0, at));
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
