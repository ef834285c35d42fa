import { ROOT_DOMAIN } from "@adaos/core/wire";

/**
 * The account that has a server's streams. The server keeps them in a folder of this name.
 * @param of Its subnet, or `root`.
 */
export function storeAccount(of: string): string {
  return of === ROOT_DOMAIN ? "MESH" : "SUBNET";
}
