import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { type Logger, MeshError } from "@adaos/core";
import { FORMATS, formatOf } from "@adaos/core/wire";
import { type LoadedPolicy, loadPolicy } from "@adaos/policy";
import {
  type Admission,
  type FollowAnswer,
  type FollowRequest,
  isApplied,
  KeyRing,
  type Machine,
  meshFileIn,
  offerOf,
  openRequest,
  planAdmission,
  type Request,
  readLayout,
  remoteKeyNameOf,
  sealAnswer,
} from "@adaos/provision";
import { assertApplied } from "../apply/apply-policy.ts";

/** A certificate with less time left is replaced: the same as on the root's own machine. */
const RENEW_MS = 30 * 86_400_000;

/** The mesh file as it was loaded last: a thousand machines ask a thousand times for the same. */
let cached: { readonly stamp: string; readonly loading: Promise<LoadedPolicy> } | undefined;

/** Answers a machine that has joined. Never rejects: an error goes to the machine. */
export async function answerFollow(
  machine: Machine,
  bytes: Uint8Array,
  { stateDir, log }: { readonly stateDir: string; readonly log: Logger },
): Promise<Uint8Array> {
  const sealKey = Buffer.from(machine.sealKey, "base64");
  let nonce = "";
  try {
    const request = openRequest(bytes, machine.key);
    nonce = request.nonce;
    return sealAnswer({ ok: await answer(request, machine, stateDir) }, sealKey, nonce);
  } catch (thrown) {
    const error = MeshError.from(thrown, "internal", "the files of a joined machine cannot be made");
    log.warn({ machine: machine.id, err: error }, "joined machine refused");
    return sealAnswer({ refused: { code: error.code, message: error.message } }, sealKey, nonce);
  }
}

async function answer(request: Request, machine: Machine, stateDir: string): Promise<unknown> {
  const meshFile = meshFileIn(readLayout(stateDir));
  // Changes that are not in force at the root must not be in force elsewhere.
  if (!isApplied(stateDir, meshFile)) return request.op === "look" ? NOT_NOW : { same: true };
  const policy = await loadedOnce(meshFile, stateDir);
  if (request.op === "look") return offerOf(policy, machine);
  if (request.op !== "follow")
    throw new MeshError("denied", "a machine that has joined may ask for its files, and nothing else");
  return follow(request, machine, policy, stateDir);
}

/** The answer to `look` while the mesh file has changes that are not applied. */
const NOT_NOW = { wait: true };

async function follow(
  request: FollowRequest,
  machine: Machine,
  policy: LoadedPolicy,
  stateDir: string,
): Promise<FollowAnswer> {
  const own = formatOf(FORMATS.nodeFile);
  if (request.nodeFileFormat < own) {
    const what = `it reads node files up to format ${request.nodeFileFormat}, and the root writes ${own}`;
    throw new MeshError("unavailable", `${what}: upgrade adaos on this machine`);
  }
  const keyName = remoteKeyNameOf(machine);
  if (request.keys[keyName] === undefined || new KeyRing(stateDir).joined(keyName) !== request.keys[keyName])
    throw new MeshError("denied", `its key ${keyName} is not the one that has joined; join with a new code`);
  const { certificate, ...rest } = await planAdmission(policy, machine, { ...request, op: "join" }, stateDir);
  const digest = digestOf(rest);
  const isDue = certificate !== undefined && endsSoon(request.certificateEndsAt);
  if (digest === request.known && !isDue) return { same: true };
  return { digest, admission: isDue ? { ...rest, certificate } : rest };
}

function endsSoon(endsAt: string | undefined): boolean {
  const endMs = endsAt === undefined ? Number.NaN : Date.parse(endsAt);
  return !(endMs - Date.now() > RENEW_MS);
}

function digestOf(admission: Omit<Admission, "certificate">): string {
  return createHash("sha256").update(JSON.stringify(admission)).digest("hex");
}

async function loadedOnce(meshFile: string, stateDir: string): Promise<LoadedPolicy> {
  const { mtimeMs, size, ino } = statSync(meshFile);
  const stamp = `${meshFile} ${mtimeMs} ${size} ${ino}`;
  if (cached?.stamp !== stamp) {
    const loading = loadPolicy(meshFile).then(async (policy) => {
      await assertApplied(policy, stateDir);
      return policy;
    });
    cached = { stamp, loading };
    loading.catch(() => {
      cached = undefined;
    });
  }
  return cached.loading;
}
