import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { isLoopback, writeSecret, writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { joiningUser, joinSubject } from "@adaos/core/wire";
import type { JoinCode } from "@adaos/provision";
import {
  type Admission,
  admissionSchema,
  findLayout,
  type JoinRequest,
  joinedCertificateFiles,
  KeyRing,
  type Layout,
  leafKeyName,
  memberKeyName,
  noneSchema,
  type Offer,
  type OwnCertificates,
  offerSchema,
  openAnswer,
  pickPorts,
  type Request,
  signatureKeyPath,
  signRequest,
  writeLayout,
} from "@adaos/provision";
import { type Connection, isKeyRefused, openConnection } from "@adaos/transport-nats";
import type { z } from "zod";
import { whileLocked } from "../apply/change-lock.ts";
import { runningSupervisor } from "../local-mesh.ts";

export interface JoinOptions {
  /** Address of the root's server: a name or IP address, and a port. */
  readonly root: { readonly host: string; readonly port: number };
  readonly stateDir: string;
  readonly registryDir: string;
  /** The user has allowed a connection without TLS to a root on another machine. */
  readonly allowPlain: boolean;
  /** For a mesh that has no CA of its own. */
  readonly certificates?: OwnCertificates;
}

/** The result of joining. */
export interface Joined {
  readonly mesh: string;
  readonly layout: Layout;
}

const LOOK_MS = 5000;
/** The root waits meanwhile until its daemons have taken up the new node. */
const ADMIT_MS = 30_000;

/**
 * Joins a mesh by a code: makes keys here, sends their public halves, and writes the root's answer into the state
 * folder. Safe to repeat with the same code after a failure. Rejects with `denied`, `usage`, `unavailable` or
 * `timeout`.
 */
export function joinMesh(code: JoinCode, options: JoinOptions): Promise<Joined> {
  assertMayDial(code, options);
  return whileLocked(options.stateDir, async () => {
    const connection = await dial(code, options);
    try {
      const offer = await ask(connection, code, { op: "look", nonce: nonce() }, offerSchema, LOOK_MS);
      assertFits(offer, options.stateDir);
      const request = await requestFor(offer, options);
      const admission = await ask(connection, code, request, admissionSchema, ADMIT_MS);
      const layout = writeAdmission(admission, offer, options.stateDir);
      await ask(connection, code, { op: "done", nonce: nonce() }, noneSchema, LOOK_MS).catch(
        // The invitation expires by itself, and until then serves these keys only.
        () => undefined,
      );
      return { mesh: offer.mesh, layout };
    } finally {
      await connection.close();
    }
  });
}

function assertMayDial({ tls }: JoinCode, { root, allowPlain }: JoinOptions): void {
  if (tls || allowPlain || isLoopback(root.host)) return;
  throw new MeshError(
    "usage",
    `the root at ${root.host} speaks without TLS, and what is said would leave this machine in the clear; set tls in its mesh file, or say --allow-plain if the network is protected otherwise`,
  );
}

async function dial({ tls, id, seed }: JoinCode, { root, certificates }: JoinOptions): Promise<Connection> {
  const url = `${tls ? "tls" : "nats"}://${root.host}:${root.port}`;
  // The CA is not known yet. The answers prove whether they come from the maker of the code.
  const trust = certificates ?? { rejectUnauthorized: false as const };
  try {
    return await openConnection({
      url,
      ...(tls ? { tls: trust } : {}),
      name: "joining",
      user: joiningUser(id),
      seed,
      log: SILENT,
    });
  } catch (thrown) {
    if (!isKeyRefused(thrown)) throw thrown;
    throw new MeshError(
      "denied",
      `the root at ${root.host}:${root.port} does not know this code: it was used, revoked, has expired, or is another root's`,
      { cause: thrown },
    );
  }
}

/** The code that rejects reports the refusal. */
const silent = (): void => undefined;
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };

function nonce(): string {
  return randomBytes(16).toString("base64url");
}

async function ask<T>(
  connection: Connection,
  { id, seed, sealKey }: JoinCode,
  request: Request,
  schema: z.ZodType<T>,
  timeoutMs: number,
): Promise<T> {
  const asked = connection.nc.request(joinSubject(id), signRequest(request, seed), { timeout: timeoutMs });
  const answered = asked.then(
    ({ data }) => data,
    (cause: unknown) => {
      throw new MeshError("timeout", "the root does not answer; try again with the same code", { cause });
    },
  );
  const { hungUp, ignore: stop } = disconnection(connection);
  const data = await Promise.race([answered, hungUp]).finally(stop);
  if (data.length === 0) throw new MeshError("denied", "the code was used, revoked, or has expired");
  return openAnswer(data, sealKey, request.nonce, schema);
}

/** Rejects when the root's server disconnects, as it does when an invitation ends. */
function disconnection(connection: Connection): { readonly hungUp: Promise<never>; ignore(): void } {
  let ignore = (): void => undefined;
  const hungUp = new Promise<never>((_, reject) => {
    const onDisconnect = (): void => {
      const why =
        "the code was used by somebody else, revoked or has expired, or the root is being restarted";
      reject(new MeshError("unavailable", `the root has hung up: ${why}; run it again to hear which`));
    };
    ignore = connection.listen({ onDisconnect });
  });
  return { hungUp, ignore };
}

/** A folder has one part of one mesh: do not overwrite another. */
function assertFits({ mesh, subnet, member }: Offer, stateDir: string): void {
  const layout = findLayout(stateDir);
  if (layout === undefined) return;
  const id = `${subnet}/${member ?? "hub"}`;
  const isSame = layout.mesh === mesh && layout.joinedTo !== undefined && layout.nodes[0]?.id === id;
  if (!isSame) {
    throw new MeshError(
      "usage",
      `${stateDir} holds something else of the mesh ${layout.mesh}; name another folder with --state`,
    );
  }
  if (runningSupervisor(stateDir) === undefined) return;
  throw new MeshError("usage", `${id} runs from ${stateDir}; stop it with adaos down before it joins again`);
}

async function requestFor(offer: Offer, options: JoinOptions): Promise<JoinRequest> {
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
  const ports = (await pickPorts(new Map([[subnet, offer.ports]]), [], findLayout(stateDir)?.ports)).get(
    subnet,
  );
  if (ports === undefined) throw new MeshError("internal", "no ports were picked");
  return {
    op: "join",
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

/** The layout last: a folder without one has not joined. */
function writeAdmission(
  { layout, files, signatureKeys, ca, certificate }: Admission,
  { subnet }: Offer,
  stateDir: string,
): Layout {
  const own = ["nodes", "servers"].map((folder) => join(stateDir, folder) + sep);
  const named = [
    ...layout.servers.map(({ configFile }) => configFile),
    ...layout.nodes.map(({ nodeFile }) => nodeFile),
  ];
  for (const file of [...files.map(([path]) => path), ...named]) {
    if (resolve(file) === file && own.some((folder) => file.startsWith(folder))) continue;
    throw new MeshError("denied", `the root names a file outside of ${stateDir}; nothing was written`);
  }
  const { caFile, certFile } = joinedCertificateFiles(stateDir, subnet);
  for (const { subnet: of, id, text } of signatureKeys)
    writeSecret(join(stateDir, "keys", signatureKeyPath(of, id)), text);
  if (ca !== undefined) writeSecret(caFile, ca);
  if (certificate !== undefined) writeSecret(certFile, certificate);
  for (const [file, text] of files) writeWhole(file, text);
  mkdirSync(join(stateDir, "logs"), { recursive: true, mode: 0o700 });
  const joined = layout as unknown as Layout;
  writeLayout(stateDir, joined);
  return joined;
}
