// Replaces tweetnacl in the bundle, as far as nkeys use it. Node's Ed25519 takes 0.1 ms where tweetnacl takes 20,
// once for each connection.
import { createPrivateKey, createPublicKey, randomBytes, sign as signBytes, verify } from "node:crypto";

/** The prefix of a key's 32 bytes in PKCS #8 and in a SubjectPublicKeyInfo (RFC 8410). */
const PRIVATE_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");
const PUBLIC_HEAD = Buffer.from("302a300506032b6570032100", "hex");
const KEY_BYTES = 32;

/**
 * Made keys by their seeds. nkeys make a key three times for each connection, which is most of its cost; a root daemon
 * with a thousand subnets reconnects a thousand times at once.
 */
const made = new Map();
const MAX_MADE = 2048;

/** The private key of a seed, and its public half once somebody has asked for that. */
function keyOf(seed) {
  const name = Buffer.from(seed).toString("latin1");
  const known = made.get(name);
  if (known !== undefined) return known;
  const privateKey = createPrivateKey({
    key: Buffer.concat([PRIVATE_HEAD, seed]),
    format: "der",
    type: "pkcs8",
  });
  if (made.size >= MAX_MADE) made.delete(made.keys().next().value);
  const key = { privateKey, publicBytes: undefined };
  made.set(name, key);
  return key;
}

const publicKey = (bytes) =>
  createPublicKey({ key: Buffer.concat([PUBLIC_HEAD, bytes]), format: "der", type: "spki" });

/** A secret key of tweetnacl is the seed and the public key. */
function fromSeed(seed) {
  const key = keyOf(seed);
  key.publicBytes ??= publicBytesOf(key.privateKey);
  const bytes = new Uint8Array(key.publicBytes);
  return { publicKey: bytes, secretKey: new Uint8Array([...seed, ...bytes]) };
}

function publicBytesOf(privateKey) {
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return new Uint8Array(spki.subarray(PUBLIC_HEAD.length));
}

const detached = (message, secretKey) =>
  new Uint8Array(signBytes(null, message, keyOf(secretKey.subarray(0, KEY_BYTES)).privateKey));
detached.verify = (message, signature, key) => verify(null, message, publicKey(key), signature);

/** Curve keys encrypt; no nkey of a mesh does. */
const unused = () => {
  throw new Error("keys of curves are not part of this bundle");
};

const random = (length) => new Uint8Array(randomBytes(length));
const sign = { keyPair: { fromSeed }, detached };
const scalarMult = { base: unused };
const box = Object.assign(unused, { open: unused });

export { box, random as randomBytes, scalarMult, sign };
