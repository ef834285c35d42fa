import { createHash } from "node:crypto";
import { type Durability, ROOT_DOMAIN } from "@adaos/core";
import { compileRootServer } from "./compile.ts";

const HEADER = [
  "The root's nats-server of the default mesh (deploy/mesh.yaml), on the ports that NATS uses by default.",
  "Generated: npm run build && npm run generate. `adaos up` compiles its own, with real keys and free ports.",
  "",
  "Every key below is a placeholder that nobody holds the seed of, so this server lets nobody in. To run a root by",
  "hand, put the public keys of your own root daemon and hubs in their place.",
];

/** The config in the repository's `nats.conf`: complete and valid, with keys that open nothing. */
export function exampleRootConfig(subnets: Iterable<string>, durability: Durability): string {
  return compileRootServer(
    {
      host: "127.0.0.1",
      port: 4222,
      monitorPort: 8222,
      leafPort: 7422,
      storeDir: ".adaos/store/root",
      durability,
      systemKey: placeholderKey("root system"),
      rootKey: placeholderKey(ROOT_DOMAIN),
      leafKeys: new Map([...subnets].map((subnet) => [subnet, placeholderKey(`leaf ${subnet}`)])),
    },
    HEADER,
  );
}

const USER_PREFIX = 20 << 3;
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/**
 * A well-formed public nkey made of the hash of a text: nobody can know a seed for it, since that would mean to find
 * the private key of a point that was chosen without one.
 */
export function placeholderKey(label: string): string {
  const hash = createHash("sha256").update(`adaos mesh placeholder key: ${label}`).digest();
  const body = Buffer.concat([Buffer.from([USER_PREFIX]), hash]);
  const check = Buffer.alloc(2);
  check.writeUInt16LE(crc16(body));
  return base32(Buffer.concat([body, check]));
}

/** CRC-16/XMODEM, as nkeys end with. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++)
      crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
}

/** RFC 4648 without padding. 35 bytes are 56 digits exactly. */
function base32(bytes: Uint8Array): string {
  let bits = "";
  for (const byte of bytes) bits += byte.toString(2).padStart(8, "0");
  return (bits.match(/.{5}/g) ?? []).map((five) => BASE32[Number.parseInt(five, 2)]).join("");
}
