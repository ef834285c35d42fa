import { readNodeFile, readSignatures } from "@adaos/config";
import { Signatures } from "@adaos/core/wire";
import type { Layout } from "@adaos/provision";

/**
 * The signature keys of a mesh, for what an operator publishes again: those that its root works by. On a machine that
 * has joined those of its hub: then what is signed by others is refused, since its replay could not be. Throws
 * `invalid-config`.
 */
export function operatorSignatures({ nodes }: Layout): Signatures {
  const root = nodes.find(({ role }) => role === "root");
  if (root !== undefined) {
    const { config, path } = readNodeFile(root.nodeFile, "root");
    return new Signatures(readSignatures(config.signatures, path));
  }
  const hub = nodes.find(({ role }) => role === "hub");
  if (hub === undefined) return new Signatures(new Map(), false);
  const { config, path } = readNodeFile(hub.nodeFile, "hub");
  return new Signatures(readSignatures(config.signatures, path), false);
}
