import { readFileSync } from "node:fs";
import type { MeshFile, NodeFileInput } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { isUserKey, type Key, KeyRing, type Keys } from "./keys/keys.ts";

type RootInput = Extract<NodeFileInput, { role: "root" }>;
type RegionInput = NonNullable<RootInput["regions"]>[string];

/**
 * Name of the key by which this root pulls from another region. Each region gets another one. With one key for all, a
 * region could log in to a third in this root's name: a login proves only that somebody signed a server's challenge.
 */
function regionKeyName(region: string): string {
  return `root/regions/${region}`;
}

/** The public half of that key, which is made when it is missing. Throws `invalid-config` when its file is damaged. */
export function regionKey(stateDir: string, region: string): string {
  return new KeyRing(stateDir).key(regionKeyName(region)).publicKey;
}

/**
 * What the root's node file says of other regions; undefined for a mesh without any. Makes missing keys. Throws
 * `invalid-config` for keys and certificates that cannot be.
 */
export function regionsText({ mesh, regions, file }: MeshFile, keys: Keys): RootInput["regions"] {
  if (mesh.regions === undefined) return undefined;
  return Object.fromEntries(
    [...mesh.regions.values()].map(({ name, tenant, clearance, subnets }): [string, RegionInput] => {
      const { urls, key, tls, allowPlain } = regions.get(name) ?? {};
      const [url, ...others] = urls ?? [];
      const own = keys.key(regionKeyName(name));
      assertKey(`regions.${name}.key in ${file}`, key, own);
      if (tls?.caFile !== undefined) assertReadable(tls.caFile, `regions.${name}.tls.ca in ${file}`);
      const server =
        url === undefined
          ? {}
          : {
              server: {
                url,
                ...(others.length === 0 ? {} : { others }),
                seedFile: own.seedFile,
                ...(tls === undefined ? {} : { tls }),
                ...(allowPlain === undefined ? {} : { allowPlain }),
              },
            };
      const entries = [...subnets].map(([subnet, members]) => {
        return [subnet, members === undefined ? {} : { nodes: [...members] }] as const;
      });
      return [
        name,
        {
          tenant,
          ...(clearance.length === 0 ? {} : { clearance: [...clearance] }),
          subnets: Object.fromEntries(entries),
          ...server,
          ...(key === undefined ? {} : { key }),
        },
      ];
    }),
  );
}

/** Public keys of the regions that pull here, by name. Pure. */
export function regionKeys({ regions }: MeshFile): ReadonlyMap<string, string> {
  return new Map(
    [...regions].flatMap(([name, { key }]) => (key === undefined ? [] : [[name, key] as const])),
  );
}

/** A server does not start with a key whose checksum is wrong. */
function assertKey(where: string, key: string | undefined, own: Key): void {
  if (key === undefined) return;
  if (!isUserKey(key))
    throw new MeshError("invalid-config", `${where} is no public key: a character is wrong; copy it again`);
  if (key !== own.publicKey) return;
  throw new MeshError(
    "invalid-config",
    `${where} is the key of this mesh itself; take what adaos region key prints on the machine of that region`,
  );
}

function assertReadable(file: string, where: string): void {
  try {
    readFileSync(file);
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", `${where}: ${file} cannot be read`);
  }
}
