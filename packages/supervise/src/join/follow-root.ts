import { createHash, X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { readSeed, removeNodeFile } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { FORMATS, formatOf } from "@adaos/core/wire";
import {
  type Admission,
  type FollowAnswer,
  followSchema,
  idOfKey,
  type JoinedFile,
  joinedCertificateFiles,
  KeyRing,
  type Layout,
  lookAgainSchema,
  MACHINE_KEY,
  type Offer,
  type OwnCertificates,
  type Plan,
  readJoinedFile,
  readLayout,
  writeJoinedFile,
} from "@adaos/provision";
import type { Connection } from "@adaos/transport-nats";
import { applyUpdate, compareUpdate, type PolicyUpdate } from "../apply/apply-policy.ts";
import { whileLocked } from "../apply/change-lock.ts";
import { isNodeRunning } from "../apply/in-force.ts";
import { readProcessTable, runningSupervisor, signalProcess } from "../processes/process-table.ts";
import { type Asker, ask, dial, nonce } from "./ask-root.ts";
import { machineFacts } from "./machine-facts.ts";
import { assertOwnFiles, writeAdmission, writeSecrets } from "./write-admission.ts";

/** What a machine has taken from its root. */
export interface Followed {
  /** `same`: nothing was new. `waits`: the root's mesh file has changes that are not applied there. */
  readonly outcome: "same" | "waits" | "taken";
  /** Nodes whose files are new. */
  readonly changed: readonly string[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly certificate: boolean;
}

const NOTHING = { changed: [], added: [], removed: [], certificate: false };
const LOOK_MS = 5000;
const FOLLOW_MS = 30_000;

/**
 * Asks the root for this machine's files and puts them in force: node files, members, signature keys, certificates.
 * Daemons that run are not restarted. Rejects with `usage` in a folder that cannot ask, or for a change that needs a
 * restart; with `denied` when the root no longer knows this machine; with `unavailable` or `timeout`.
 * @param waitMs How long it waits for another change of this folder to end.
 */
export function followRoot(stateDir: string, waitMs: number): Promise<Followed> {
  const follow = async (): Promise<Followed> => {
    const joined = readJoinedFile(stateDir);
    if (joined === undefined) {
      throw new MeshError(
        "usage",
        `${stateDir} cannot ask a root for its files: it has not joined, or has joined with an earlier version; join with a new code`,
      );
    }
    const asker = askerOf(joined, stateDir);
    const connection = await dial(asker, { root: joined.root, ...trustOf(joined, stateDir) });
    try {
      const offer = await ask(connection, asker, { op: "look", nonce: nonce() }, lookAgainSchema, LOOK_MS);
      if ("wait" in offer) return { outcome: "waits", ...NOTHING };
      assertSameNode(joined, offer, stateDir);
      const answer = await askForFiles(connection, asker, joined, offer, stateDir);
      if ("wait" in answer) return { outcome: "waits", ...NOTHING };
      if ("same" in answer) return { outcome: "same", ...NOTHING };
      const followed = await putInForce(answer.admission, joined.subnet, stateDir);
      const files = takenFiles(readLayout(stateDir));
      writeJoinedFile(stateDir, { ...joined, digest: answer.digest, files });
      return followed;
    } finally {
      await connection.close();
    }
  };
  return whileLocked(stateDir, follow, waitMs);
}

/** Files of another node would overwrite those of this one. Throws `invalid-config`. Pure. */
export function assertSameNode(
  { subnet, member }: Pick<JoinedFile, "subnet" | "member">,
  offer: Pick<Offer, "subnet" | "member">,
  stateDir: string,
): void {
  const [own, offered] = [`${subnet}/${member ?? "hub"}`, `${offer.subnet}/${offer.member ?? "hub"}`];
  if (own === offered) return;
  throw new MeshError(
    "invalid-config",
    `${stateDir}/keys/joined.json says that this machine runs ${own}, and its root knows it as ${offered}; nothing was changed: put joined.json back as it was, or join with a new code into another folder`,
  );
}

/** Digest of the taken layout and node files. Who has changed one gets the root's again. */
function takenFiles(layout: Layout): string {
  const hash = createHash("sha256").update(JSON.stringify(layout));
  for (const { nodeFile } of layout.nodes)
    hash.update(existsSync(nodeFile) ? createHash("sha256").update(readFileSync(nodeFile)).digest() : "none");
  return hash.digest("hex");
}

function askerOf({ tls, sealKey }: JoinedFile, stateDir: string): Asker {
  const { publicKey, seedFile } = new KeyRing(stateDir).key(MACHINE_KEY);
  const key = Buffer.from(sealKey, "base64");
  return { tls, id: idOfKey(publicKey), seed: readSeed(seedFile), sealKey: key, by: "machine" };
}

/** The CA that came with the join, or the machine's own certificates. */
function trustOf(
  { subnet, certificates }: JoinedFile,
  stateDir: string,
): { readonly certificates?: OwnCertificates } {
  if (certificates !== undefined) return { certificates };
  const { caFile } = joinedCertificateFiles(stateDir, subnet);
  return existsSync(caFile) ? { certificates: { caFile } } : {};
}

async function askForFiles(
  connection: Connection,
  asker: Asker,
  { root, subnet, certificates, digest, files }: JoinedFile,
  offer: Offer,
  stateDir: string,
): Promise<FollowAnswer> {
  const layout = readLayout(stateDir);
  const { registryDir, ports } = layout;
  const port = offer.ports.port ?? ports[subnet]?.port;
  if (port === undefined)
    throw new MeshError("invalid-config", `the layout of ${stateDir} has no port of ${subnet}`);
  const own = certificates === undefined ? {} : { certificates };
  const facts = machineFacts(offer, { port }, { stateDir, registryDir, root, ...own });
  const { certFile } = joinedCertificateFiles(stateDir, subnet);
  const request = {
    ...facts,
    op: "follow",
    ...(digest === undefined || files !== takenFiles(layout) ? {} : { known: digest }),
    ...(existsSync(certFile) ? { certificateEndsAt: endOf(certFile) } : {}),
    nodeFileFormat: formatOf(FORMATS.nodeFile),
  } as const;
  return ask(connection, asker, request, followSchema, FOLLOW_MS);
}

function endOf(certFile: string): string {
  return new Date(new X509Certificate(readFileSync(certFile)).validTo).toISOString();
}

async function putInForce(admission: Admission, subnet: string, stateDir: string): Promise<Followed> {
  assertOwnFiles(admission, stateDir);
  const before = readLayout(stateDir);
  const layout = admission.layout as unknown as Layout;
  const certificate = admission.certificate !== undefined;
  const isRunning = before.nodes.some(({ id }) => isNodeRunning(id, stateDir));
  const supervisor = runningSupervisor(stateDir);
  const plan = { layout, files: new Map(admission.files), remoteKeys: new Set<string>() };
  if (supervisor === undefined && !isRunning) {
    writeAdmission(admission, subnet, stateDir);
    const ids = layout.nodes.map(({ id }) => id);
    const gone = before.nodes.filter(({ id }) => !ids.includes(id));
    for (const { nodeFile } of gone) removeNodeFile(nodeFile);
    return { outcome: "taken", ...NOTHING, changed: ids, removed: gone.map(({ id }) => id), certificate };
  }
  const update = compareRunning(before, plan);
  writeSecrets(admission, subnet, stateDir);
  await applyUpdate(update, stateDir, supervisor);
  if (certificate) reloadServers(stateDir);
  const { changed, added, removed } = update;
  return { outcome: "taken", changed, added, removed, certificate };
}

function compareRunning(before: Layout, plan: Plan): PolicyUpdate {
  try {
    return compareUpdate(before, plan);
  } catch (thrown) {
    if (!(thrown instanceof MeshError) || thrown.code !== "usage") throw thrown;
    const what = thrown.message.split(";")[0];
    throw new MeshError("usage", `${what}: run adaos down, adaos join follow and adaos up`, {
      cause: thrown,
    });
  }
}

/** A nats-server reads its certificate again at SIGHUP, without dropping a connection. */
function reloadServers(stateDir: string): void {
  for (const child of readProcessTable(stateDir)?.children ?? [])
    if (child.name.startsWith("nats-")) signalProcess(child, "SIGHUP");
}
