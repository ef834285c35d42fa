import { readNodeFile, readSignatures } from "@adaos/config";
import { Signatures } from "@adaos/core";
import type { Layout } from "./layout.ts";

/** The signature keys of a mesh, for what an operator publishes again: those that its root works by. Throws `invalid-config`. */
export function operatorSignatures({ nodes }: Layout): Signatures {
  const root = nodes.find(({ role }) => role === "root");
  if (root === undefined) return new Signatures();
  const { config, path } = readNodeFile(root.nodeFile, "root");
  return new Signatures(readSignatures(config.signatures, path));
}
