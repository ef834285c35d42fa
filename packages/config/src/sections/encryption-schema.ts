import { isAbsolute, resolve } from "node:path";
import { ROOT_DOMAIN } from "@adaos/core/wire";
import { z } from "zod";

/** `encryption` of a mesh file, and of one server in it. */
export const encryptionSchema = z
  .strictObject({
    keyFile: z
      .string()
      .min(1)
      .describe("file of mode 0600 with the key, made by adaos store new-key; keep it on another disk"),
    cipher: z
      .enum(["chacha", "aes"])
      .default("chacha")
      .describe("chacha: for processors without AES instructions, as in a Raspberry Pi 4; aes: for others"),
  })
  .optional();

/** How a server encrypts its streams. */
export interface StoreEncryption {
  readonly cipher: "chacha" | "aes";
  /** Absolute. */
  readonly keyFile: string;
}

type Encryption = z.infer<typeof encryptionSchema>;
interface Encrypted {
  readonly encryption?: Encryption;
  readonly remote?: true | undefined;
}
interface EncryptedMesh {
  readonly encryption?: Encryption;
  readonly root: Encrypted;
  readonly subnets: Readonly<Record<string, Encrypted>>;
}

/**
 * The encryption of each server: its own, else that of the mesh. A server on another machine has only its own, since
 * the key is a file there. Relative paths are resolved from `dir`. Pure.
 * @param serverNames Names of the servers of the root and of each subnet, which share an entry.
 */
export function encryptionsOf(
  { encryption, root, subnets }: EncryptedMesh,
  serverNames: ReadonlyMap<string, readonly string[]>,
  dir: string,
): ReadonlyMap<string, StoreEncryption> {
  const found = new Map<string, StoreEncryption>();
  for (const [of, server] of [[ROOT_DOMAIN, root] as const, ...Object.entries(subnets)]) {
    const own = server.encryption ?? (server.remote === true ? undefined : encryption);
    if (own === undefined) continue;
    for (const name of serverNames.get(of) ?? [of])
      found.set(name, { ...own, keyFile: resolve(dir, own.keyFile) });
  }
  return found;
}

/** Keys of servers on other machines whose paths would be resolved on this one. Pure. */
export function encryptionProblems({ subnets }: EncryptedMesh): { path: string[]; message: string }[] {
  return Object.entries(subnets).flatMap(([name, { encryption, remote }]) => {
    if (remote !== true || encryption === undefined || isAbsolute(encryption.keyFile)) return [];
    const message = "must be an absolute path: the file is on the machine of the subnet";
    return [{ path: ["subnets", name, "encryption", "keyFile"], message }];
  });
}
