import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { deflateSync, inflateSync } from "node:zlib";
import { MESH_ERROR_CODES, MeshError, type MeshErrorCode } from "@adaos/core";
import { nkeys } from "nats";
import { z } from "zod";
import { isUserKey } from "../keys/keys.ts";

/*
 * The protocol between the holder of an invitation and the root. Requests are signed with one key derived from the
 * code. Answers are sealed with another, and name their request. So a third party in between can read and change
 * nothing, with TLS or without. Recorded messages are useless once the invitation is gone.
 */

/** Asks for admission: all that the root needs to know about the joining machine. */
export interface JoinRequest {
  readonly op: "join";
  readonly nonce: string;
  /** Absolute paths on the joining machine. */
  readonly stateDir: string;
  readonly registryDir: string;
  /** The host by which that machine reaches the root. */
  readonly rootHost: string;
  readonly ports: { readonly port: number };
  /** Public nkeys by name. */
  readonly keys: Readonly<Record<string, string>>;
  /** Public key for the server's certificate, PEM, if the root's CA signs it. */
  readonly certificateKey?: string | undefined;
  /** Its own certificates, if the mesh has no development CA. */
  readonly certificates?: OwnCertificates | undefined;
}

/** Files on the joining machine. */
export interface OwnCertificates {
  readonly caFile: string;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** A machine that has joined asks for its files as they are now. */
export interface FollowRequest extends Omit<JoinRequest, "op"> {
  readonly op: "follow";
  /** Digest of the files that it has. */
  readonly known?: string | undefined;
  /** RFC 3339: the end of its certificate, if the root's CA has signed it. */
  readonly certificateEndsAt?: string | undefined;
  /** The highest format of node files that it reads. */
  readonly nodeFileFormat: number;
}

/** `look` asks what the invitation is for, `done` tells that the answer has arrived. */
export type Request = { readonly op: "look" | "done"; readonly nonce: string } | JoinRequest | FollowRequest;

/** The answer of a root whose mesh file, or its registry, has changes that are not applied. */
export interface Wait {
  readonly wait: true;
}

/** The answer to `follow`. A certificate comes only when the old one ends soon. */
export type FollowAnswer =
  | Wait
  | { readonly same: true }
  | { readonly digest: string; readonly admission: Admission };

/** Name of the key with which a machine that has joined asks again. */
export const MACHINE_KEY = "machine";

/** The node of an invitation. */
export interface Offer {
  readonly mesh: string;
  readonly subnet: string;
  /** Undefined: the subnet's hub. */
  readonly member?: string | undefined;
  /** Members that come with the hub. */
  readonly members: readonly string[];
  readonly tls: "none" | "development" | "own";
  readonly verify: boolean;
  /** Ports that the mesh file fixes. */
  readonly ports: { readonly port?: number | undefined };
}

/** The files of the joining machine. Their only secrets are the keys by which signatures are checked. */
export interface Admission {
  readonly layout: AdmittedLayout;
  /** Text by path on the joining machine. */
  readonly files: readonly (readonly [path: string, text: string])[];
  /** Keys that the node files name: symmetric, so they have to be the same everywhere. */
  readonly signatureKeys: readonly SignatureKeyText[];
  /** PEM, of the root's own CA. */
  readonly ca?: string | undefined;
  readonly certificate?: string | undefined;
  /** For a machine that has sent its {@link MACHINE_KEY}: opens later answers; base64, 32 bytes. */
  readonly machineSealKey?: string | undefined;
}

export interface SignatureKeyText {
  readonly subnet: string;
  readonly id: string;
  /** Content of the key's file. */
  readonly text: string;
}

/** The fields of a layout that are checked before use. */
export interface AdmittedLayout {
  readonly mesh: string;
  readonly joinedTo: string;
  readonly servers: readonly { readonly name: string; readonly of: string; readonly configFile: string }[];
  readonly nodes: readonly {
    readonly id: string;
    readonly role: "hub" | "member";
    readonly nodeFile: string;
  }[];
}

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);
const nonce = z.string().min(16).max(64);
const path = z.string().min(1).max(4096);
const port = z.number().int().min(1).max(65_535);
// A key with a wrong checksum would make a config that servers refuse.
const publicKey = z.string().refine(isUserKey, "must be the public nkey of a user");

const machineFields = {
  nonce,
  stateDir: path,
  registryDir: path,
  rootHost: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/),
  ports: z.strictObject({ port }),
  keys: z.record(z.string().max(200), publicKey),
  certificateKey: z.string().max(2000).optional(),
  certificates: z
    .strictObject({ caFile: path, certFile: path.optional(), keyFile: path.optional() })
    .optional(),
};
const digest = z.string().regex(/^[0-9a-f]{64}$/);

const requestSchema: z.ZodType<Request> = z.discriminatedUnion("op", [
  z.strictObject({ op: z.enum(["look", "done"]), nonce }),
  z.strictObject({ op: z.literal("join"), ...machineFields }),
  // Not strict: a later version may tell more.
  z.object({
    op: z.literal("follow"),
    ...machineFields,
    known: digest.optional(),
    certificateEndsAt: z.string().max(40).optional(),
    nodeFileFormat: z.number().int().min(1),
  }),
]);

export const offerSchema: z.ZodType<Offer> = z.strictObject({
  mesh: name,
  subnet: name,
  member: name.optional(),
  members: z.array(name).max(10_000),
  tls: z.enum(["none", "development", "own"]),
  verify: z.boolean(),
  ports: z.strictObject({ port: port.optional() }),
});

// Names become parts of paths: of logs, stores, outboxes, and of folders that go with a removed node.
const joinedServer = z.looseObject({
  name: z.string().regex(/^nats-[a-z0-9][a-z0-9-]{0,62}$/),
  of: name,
  configFile: path,
  fellows: z.never().optional(),
});
const joinedNode = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}\/[a-z0-9][a-z0-9-]{0,62}$/),
  role: z.enum(["hub", "member"]),
  nodeFile: path,
});

export const admissionSchema: z.ZodType<Admission> = z.strictObject({
  layout: z.looseObject({
    mesh: name,
    joinedTo: z.string(),
    servers: z.array(joinedServer).max(1),
    nodes: z.array(joinedNode).max(10_001),
    configFile: z.never().optional(),
    viewer: z.never().optional(),
  }),
  files: z.array(z.tuple([path, z.string()])).max(10_002),
  signatureKeys: z
    .array(
      z.strictObject({ subnet: name, id: z.string().regex(/^[a-z0-9-]{1,32}$/), text: z.string().max(100) }),
    )
    .max(10_000),
  ca: z.string().optional(),
  certificate: z.string().optional(),
  machineSealKey: z.base64().length(44).optional(),
});

const waitSchema: z.ZodType<Wait> = z.object({ wait: z.literal(true) });

/** The answer to `follow`. */
export const followSchema: z.ZodType<FollowAnswer> = z.union([
  waitSchema,
  z.object({ same: z.literal(true) }),
  z.object({ digest, admission: admissionSchema }),
]);

/** The answer to `look` of a machine that has joined. */
export const lookAgainSchema: z.ZodType<Offer | Wait> = z.union([offerSchema, waitSchema]);

/** The answer to `done`. */
export const noneSchema: z.ZodType<object> = z.strictObject({});

const refusalSchema = z.strictObject({ code: z.enum(MESH_ERROR_CODES), message: z.string() });
const answerSchema = z.union([
  z.strictObject({ ok: z.unknown() }),
  z.strictObject({ refused: refusalSchema }),
]);

/** The root's answer. */
export type Answer =
  | { readonly ok: unknown }
  | { readonly refused: { readonly code: MeshErrorCode; readonly message: string } };

/** Largest size of a decompressed answer. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** Largest size of a sealed answer: one message, which a server takes. */
const MAX_SEALED_BYTES = 1_048_576;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const SIGNATURE_BYTES = 64;

/** A request with the signature of its invitation's key before it. */
export function signRequest(request: Request, seed: string): Uint8Array {
  const body = Buffer.from(JSON.stringify(request));
  return Buffer.concat([nkeys.fromSeed(new TextEncoder().encode(seed)).sign(body), body]);
}

/** Throws `denied` for another key's signature, `usage` for a malformed request. */
export function openRequest(bytes: Uint8Array, key: string): Request {
  const body = bytes.subarray(SIGNATURE_BYTES);
  const isSigned =
    bytes.length > SIGNATURE_BYTES && nkeys.fromPublic(key).verify(body, bytes.subarray(0, SIGNATURE_BYTES));
  if (!isSigned) throw new MeshError("denied", "the request is not signed with the key of the invitation");
  try {
    return requestSchema.parse(JSON.parse(Buffer.from(body).toString("utf8")));
  } catch (cause) {
    throw new MeshError(
      "usage",
      "the request cannot be read; is adaos of the same version on both machines?",
      {
        cause,
      },
    );
  }
}

/** An answer that is too large for a message becomes the refusal `too-large`. */
export function sealAnswer(answer: Answer, sealKey: Uint8Array, nonce: string): Uint8Array {
  const text = JSON.stringify(answer);
  const bytes = seal(text, sealKey, nonce);
  if (text.length <= MAX_ANSWER_BYTES && bytes.length <= MAX_SEALED_BYTES) return bytes;
  const size = `the files of this machine are ${text.length} bytes, and ${bytes.length} when compressed`;
  const limits = `the limits are ${MAX_ANSWER_BYTES} and ${MAX_SEALED_BYTES}`;
  const message = `${size}; ${limits}: divide the subnet, or give members machines of their own`;
  return seal(JSON.stringify({ refused: { code: "too-large", message } }), sealKey, nonce);
}

function seal(text: string, sealKey: Uint8Array, nonce: string): Uint8Array {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", sealKey, iv).setAAD(Buffer.from(nonce));
  const body = Buffer.concat([cipher.update(deflateSync(text)), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), body]);
}

/** Throws `denied` for an answer of another sender or to another request; rethrows the root's error. */
export function openAnswer<T>(
  bytes: Uint8Array,
  sealKey: Uint8Array,
  nonce: string,
  schema: z.ZodType<T>,
): T {
  const answer = answerSchema.parse(unseal(bytes, sealKey, nonce));
  if ("refused" in answer) throw new MeshError(answer.refused.code, answer.refused.message);
  return schema.parse(answer.ok);
}

function unseal(bytes: Uint8Array, sealKey: Uint8Array, nonce: string): unknown {
  try {
    const iv = bytes.subarray(0, IV_BYTES);
    const tag = bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES);
    const cipher = createDecipheriv("aes-256-gcm", sealKey, iv, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(nonce)).setAuthTag(tag);
    const body = Buffer.concat([cipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), cipher.final()]);
    return JSON.parse(inflateSync(body, { maxOutputLength: MAX_ANSWER_BYTES }).toString("utf8"));
  } catch (cause) {
    throw new MeshError(
      "denied",
      "the answer is not from the root that made this code; nothing was written",
      {
        cause,
      },
    );
  }
}
