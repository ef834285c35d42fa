import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { writeSecret } from "@adaos/config";
import {
  type JoinRequest,
  joinedCertificateFiles,
  KeyRing,
  leafKeyName,
  MACHINE_KEY,
  memberKeyName,
  type Offer,
} from "@adaos/provision";
import { nonce } from "./ask-root.ts";
import type { JoinOptions } from "./join-mesh.ts";

/** All that the root needs to know of this machine. Makes the keys that are missing here. */
export function machineFacts(
  offer: Offer,
  ports: JoinRequest["ports"],
  options: Pick<JoinOptions, "stateDir" | "registryDir" | "root" | "certificates">,
): Omit<JoinRequest, "op"> {
  const { subnet, member, tls } = offer;
  const { stateDir, registryDir, root, certificates } = options;
  const isHub = member === undefined;
  const keys = new KeyRing(stateDir);
  if (isHub) keys.leafKey(subnet);
  const names = isHub
    ? [
        `${subnet}/hub`,
        `${subnet}/system`,
        leafKeyName(subnet),
        ...offer.members.map((node) => memberKeyName(subnet, node)),
      ]
    : [memberKeyName(subnet, member)];
  names.push(MACHINE_KEY);
  return {
    nonce: nonce(),
    stateDir,
    registryDir,
    rootHost: root.host,
    ports: { port: ports.port },
    keys: Object.fromEntries(names.map((name) => [name, keys.key(name).publicKey])),
    ...(isHub && tls === "development" ? { certificateKey: certificateKey(stateDir, subnet) } : {}),
    ...(certificates === undefined ? {} : { certificates }),
  };
}

/** The public half, PEM, of the key for the server's certificate. Made once. */
function certificateKey(stateDir: string, subnet: string): string {
  const { keyFile } = joinedCertificateFiles(stateDir, subnet);
  if (!existsSync(keyFile)) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    writeSecret(keyFile, privateKey.export({ format: "pem", type: "pkcs8" }).toString());
  }
  const own = createPublicKey(createPrivateKey(readFileSync(keyFile)));
  return own.export({ format: "pem", type: "spki" }).toString();
}
