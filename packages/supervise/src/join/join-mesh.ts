import { isLoopback } from "@adaos/config";
import { MeshError } from "@adaos/core";
import {
  type Admission,
  admissionSchema,
  findLayout,
  type JoinCode,
  type JoinRequest,
  type Layout,
  noneSchema,
  type Offer,
  type OwnCertificates,
  offerSchema,
  pickPorts,
  writeJoinedFile,
} from "@adaos/provision";
import { whileLocked } from "../apply/change-lock.ts";
import { runningSupervisor } from "../processes/process-table.ts";
import { ask, dial, nonce } from "./ask-root.ts";
import { machineFacts } from "./machine-facts.ts";
import { writeAdmission } from "./write-admission.ts";

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
    const asker = { ...code, by: "code" } as const;
    const connection = await dial(asker, options);
    try {
      const offer = await ask(connection, asker, { op: "look", nonce: nonce() }, offerSchema, LOOK_MS);
      assertFits(offer, options.stateDir);
      const known = findLayout(options.stateDir)?.ports;
      const ports = (await pickPorts(new Map([[offer.subnet, offer.ports]]), [], known)).get(offer.subnet);
      if (ports === undefined) throw new MeshError("internal", "no ports were picked");
      const request: JoinRequest = { op: "join", ...machineFacts(offer, ports, options) };
      const admission = await ask(connection, asker, request, admissionSchema, ADMIT_MS);
      const layout = writeAdmission(admission, offer.subnet, options.stateDir);
      keepForLater(admission, offer, code, options);
      await ask(connection, asker, { op: "done", nonce: nonce() }, noneSchema, LOOK_MS).catch(
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

/** Without a seal key the root is of a version that cannot be asked again. */
function keepForLater(
  { machineSealKey: sealKey }: Admission,
  { subnet, member }: Offer,
  { tls }: JoinCode,
  { root, certificates, stateDir }: JoinOptions,
): void {
  if (sealKey === undefined) return;
  const own = certificates === undefined ? {} : { certificates };
  const of = member === undefined ? {} : { member };
  writeJoinedFile(stateDir, { root, tls, subnet, ...of, sealKey, ...own });
}
