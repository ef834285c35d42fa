import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Logger, MeshError } from "@adaos/core";
import { loadPolicy } from "@adaos/policy";
import type { Invitation, Invitations, Machines } from "@adaos/provision";
import {
  type Admission,
  idOfKey,
  type JoinRequest,
  KeyRing,
  MACHINE_KEY,
  meshFileIn,
  offerOf,
  openRequest,
  planAdmission,
  type Request,
  readLayout,
  remoteKeyNameOf,
  sealAnswer,
  serverProcesses,
} from "@adaos/provision";
import { applyUpdate, assertApplied, planUpdate } from "../apply/apply-policy.ts";
import { whileLocked } from "../apply/change-lock.ts";

interface Office {
  readonly stateDir: string;
  readonly invitations: Invitations;
  readonly machines: Machines;
  readonly log: Logger;
}

/** Answers a request made with an invitation. Never rejects: an error goes to the joining machine. */
export async function answerRequest(
  invitation: Invitation,
  bytes: Uint8Array,
  office: Office,
): Promise<Uint8Array> {
  const sealKey = Buffer.from(invitation.sealKey, "base64");
  let nonce = "";
  try {
    const request = openRequest(bytes, invitation.key);
    nonce = request.nonce;
    const ok = await answer(request, invitation, office);
    return sealAnswer({ ok }, sealKey, nonce);
  } catch (thrown) {
    const error = MeshError.from(thrown, "internal", "joining failed");
    office.log.warn({ invitation: invitation.id, err: error }, "joining refused");
    return sealAnswer({ refused: { code: error.code, message: error.message } }, sealKey, nonce);
  }
}

async function answer(request: Request, invitation: Invitation, office: Office): Promise<unknown> {
  const { id, subnet, member } = invitation;
  if (request.op === "look") return offerOf(await loaded(office.stateDir), invitation);
  if (request.op === "join") return admit(request, invitation, office);
  if (request.op === "follow") throw new MeshError("denied", "a code admits a machine, and nothing else");
  if (invitation.claimedBy === undefined) throw new MeshError("usage", "nobody has joined by this code yet");
  office.invitations.remove(id);
  office.log.info({ invitation: id, subnet, member }, "joined");
  return {};
}

const loaded = (stateDir: string): ReturnType<typeof loadPolicy> =>
  loadPolicy(meshFileIn(readLayout(stateDir)));

/**
 * Adds the keys of a joining node to the mesh. Cut short at any point, it can be repeated with the same keys. A new
 * code replaces them.
 */
function admit(
  request: JoinRequest,
  { id }: Invitation,
  { stateDir, invitations, machines, log }: Office,
): Promise<Admission> {
  return whileLocked(stateDir, async () => {
    // Another process may have answered, revoked or expired the invitation meanwhile.
    const invitation = invitations.find(id);
    if (invitation === undefined) throw new MeshError("denied", "the code was revoked, or has expired");
    const claim = digestOf(request.keys);
    const isAgain = invitation.claimedBy === claim;
    if (invitation.claimedBy !== undefined && !isAgain) {
      throw new MeshError("denied", "this code was used already; ask for another one");
    }
    const policy = await loaded(stateDir);
    // In a repetition, the first request's changes may not be applied yet.
    if (!isAgain) await assertApplied(policy, stateDir);
    const keyName = remoteKeyNameOf(invitation);
    const publicKey = request.keys[keyName];
    if (publicKey === undefined) throw new MeshError("usage", `the request has no key ${keyName}`);
    assertUnknown(publicKey, keyName, stateDir);
    assertOwnMachine(request, invitation, machines, stateDir);
    const admission = await planAdmission(policy, invitation, request, stateDir);
    // From here on the invitation is used, whatever happens.
    invitations.write({ ...invitation, claimedBy: claim });
    new KeyRing(stateDir).admit(keyName, publicKey);
    const machineSealKey = admitMachine(request, invitation, machines);
    const inForceMs = await applyUpdate(await planUpdate(policy, stateDir), stateDir, undefined, "changed");
    const { subnet, member } = invitation;
    log.info({ invitation: id, subnet, member, key: publicKey, inForceMs }, "admitted");
    return machineSealKey === undefined ? admission : { ...admission, machineSealKey };
  });
}

/**
 * Nobody may ask in the name of another machine, or give its server a second user of one key. Throws `denied` for the
 * key of another.
 */
function assertOwnMachine(
  { keys }: JoinRequest,
  { subnet, member }: Invitation,
  machines: Machines,
  stateDir: string,
): void {
  const key = keys[MACHINE_KEY];
  if (key === undefined) return;
  const known = machines.find(idOfKey(key));
  const isSame = known?.key === key && known.subnet === subnet && known.member === member;
  const others = Object.entries(keys).filter(([name]) => name !== MACHINE_KEY);
  if (known !== undefined ? !isSame : isUsed(key, stateDir) || others.some(([, other]) => other === key))
    throw new MeshError(
      "denied",
      "this key of a machine is another's already; every machine has one of its own",
    );
}

/** Lets the machine ask for its files again. Undefined for one of a version that does not ask. */
function admitMachine(
  { keys }: JoinRequest,
  { subnet, member }: Invitation,
  machines: Machines,
): string | undefined {
  const key = keys[MACHINE_KEY];
  if (key === undefined) return undefined;
  const id = idOfKey(key);
  // An interrupted join that is repeated gets the same answer.
  const known = machines.find(id);
  const sealKey = known?.key === key ? known.sealKey : randomBytes(32).toString("base64");
  const joinedAt = new Date().toISOString();
  machines.admit({ id, key, sealKey, subnet, ...(member === undefined ? {} : { member }), joinedAt });
  return sealKey;
}

/** A server rejects a config in which two users have one key. Throws `denied` when somebody else has this one. */
function assertUnknown(publicKey: string, keyName: string, stateDir: string): void {
  if (new KeyRing(stateDir).joined(keyName) === publicKey) return;
  if (isUsed(publicKey, stateDir))
    throw new MeshError("denied", "this key is another node's already; every node has one of its own");
}

/** Whether a server of this machine knows a key. */
function isUsed(publicKey: string, stateDir: string): boolean {
  return serverProcesses(readLayout(stateDir)).some(({ configFile }) =>
    readFileSync(configFile, "utf8").includes(publicKey),
  );
}

function digestOf(keys: JoinRequest["keys"]): string {
  return createHash("sha256")
    .update(JSON.stringify(Object.entries(keys).sort()))
    .digest("hex");
}
