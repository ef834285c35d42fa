import { hkdfSync } from "node:crypto";
import { nkeys } from "nats";
import { seedNkey } from "./nkey-text.ts";

/**
 * The seed of the user with whose rights the root pulls from one subnet. It follows from the seed of the root daemon,
 * so that no file holds it and a rotation of the one rotates the others.
 */
export function linkSeed(rootSeed: string, subnet: string): string {
  return seedNkey(new Uint8Array(hkdfSync("sha256", rootSeed.trim(), "", `adaos link ${subnet}`, 32)));
}

/** Public nkeys of the users with whose rights the root pulls, by subnet. */
export function linkKeys(rootSeed: string, subnets: Iterable<string>): ReadonlyMap<string, string> {
  return new Map(Array.from(subnets, (subnet) => [subnet, publicKeyOf(linkSeed(rootSeed, subnet))]));
}

function publicKeyOf(seed: string): string {
  return nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey();
}
