import { createHash } from "node:crypto";
import { type Logger, MeshError } from "@adaos/core";
import { FORMATS, formatOf } from "@adaos/core/wire";
import { type LoadedPolicy, loadPolicy } from "@adaos/policy";
import {
  type Admission,
  appliedNow,
  type FollowAnswer,
  type FollowRequest,
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
  type Wait,
} from "@adaos/provision";
import { pendingNodes } from "../apply/apply-policy.ts";

/** A certificate with less time left is replaced: the same as on the root's own machine. */
const RENEW_MS = 30 * 86_400_000;

/** What is in force, as it was loaded last: a thousand machines ask a thousand times for the same. */
let cached: { readonly key: string; readonly loading: Promise<LoadedPolicy | undefined> } | undefined;

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
  if (request.op === "join" || request.op === "done")
    throw new MeshError("denied", "a machine that has joined may ask for its files, and nothing else");
  const policy = await policyInForce(stateDir);
  // Changes that are not in force at the root must not be in force elsewhere.
  if (policy === undefined) return WAIT;
  return request.op === "follow" ? follow(request, machine, policy, stateDir) : offerOf(policy, machine);
}

const WAIT: Wait = { wait: true };

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

/** Undefined while the mesh file or its registry has changes that are not applied. Rejects with `invalid-config`. */
async function policyInForce(stateDir: string): Promise<LoadedPolicy | undefined> {
  const meshFile = meshFileIn(readLayout(stateDir));
  const applied = appliedNow(stateDir, meshFile);
  if (applied === undefined) return undefined;
  const key = `${meshFile} ${applied}`;
  if (cached?.key !== key) cached = { key, loading: loadApplied(meshFile, stateDir) };
  const { loading } = cached;
  try {
    const policy = await loading;
    // The file may have changed between the look at it and its loading.
    if (policy !== undefined && appliedNow(stateDir, meshFile) === applied) return policy;
  } catch (thrown) {
    forgetLoading(loading);
    throw thrown;
  }
  forgetLoading(loading);
  return undefined;
}

async function loadApplied(meshFile: string, stateDir: string): Promise<LoadedPolicy | undefined> {
  const policy = await loadPolicy(meshFile);
  return (await pendingNodes(policy, stateDir)).length === 0 ? policy : undefined;
}

function forgetLoading(loading: Promise<unknown>): void {
  if (cached?.loading === loading) cached = undefined;
}
