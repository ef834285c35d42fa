import { createHash } from "node:crypto";
import { type Durability, ROOT_DOMAIN } from "@adaos/core/wire";
import { compileRootServer } from "./compile.ts";
import { publicNkey } from "./nkey-text.ts";

const HEADER = [
  "The root's nats-server of the default mesh (deploy/mesh.yaml), on the ports that NATS uses by default.",
  "Generated: npm run build && npm run generate. `adaos up` compiles its own, with real keys and free ports.",
  "",
  "Every key below is a placeholder that nobody holds the seed of, so this server lets nobody in. To run a root by",
  "hand, put the public keys of your own root daemon and hubs in their place.",
];

/** The config in the repository's `nats.conf`: complete and valid, with keys that open nothing. */
export function exampleRootConfig(subnets: Iterable<string>, durability: Durability): string {
  const names = [...subnets];
  return compileRootServer(
    {
      host: "127.0.0.1",
      port: 4222,
      leafPort: 7422,
      storeDir: ".adaos/store/root",
      durability,
      systemKey: placeholderKey("root system"),
      rootKey: placeholderKey(ROOT_DOMAIN),
      linkKeys: new Map(names.map((subnet) => [subnet, placeholderKey(`link ${subnet}`)])),
      leafKeys: new Map(names.map((subnet) => [subnet, placeholderKey(`leaf ${subnet}`)])),
    },
    HEADER,
  );
}

/**
 * A well-formed public nkey derived from the hash of a text. Nobody can know its seed: that would mean to find the
 * private key of a point that was chosen without one.
 */
export function placeholderKey(label: string): string {
  return publicNkey(createHash("sha256").update(`adaos mesh placeholder key: ${label}`).digest());
}
