import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { credentialName } from "@adaos/config";
import type { Layout } from "@adaos/provision";
import type { Credential } from "./plan-units.ts";

/**
 * The keys that each member's file names, for systemd to hand over. Throws the error of a file that cannot be read.
 */
export function memberKeys(stateDir: string, { nodes }: Layout): ReadonlyMap<string, readonly Credential[]> {
  const members = nodes.filter(({ role }) => role === "member");
  return new Map(members.map(({ id, nodeFile }) => [id, keysIn(nodeFile, join(stateDir, "keys"))]));
}

function keysIn(nodeFile: string, keysDir: string): Credential[] {
  const content: unknown = JSON.parse(readFileSync(nodeFile, "utf8"));
  const files = new Set(textsIn(content).map((text) => resolve(dirname(nodeFile), text)));
  return [...files]
    .filter((file) => file.startsWith(keysDir + sep))
    .sort()
    .map((file) => ({ name: credentialName(relative(keysDir, file)), file }));
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
