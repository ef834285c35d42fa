import { randomBytes } from "node:crypto";
import { MeshError } from "@adaos/core";
import { joiningUser, joinSubject } from "@adaos/core/wire";
import { type JoinCode, openAnswer, type Request, signRequest } from "@adaos/provision";
import { type Connection, isKeyRefused, openConnection } from "@adaos/transport-nats";
import type { z } from "zod";
import type { JoinOptions } from "./join-mesh.ts";

/** The secrets by which a machine asks the root: those of a code, or those that it has kept since it joined. */
export type Asker = Pick<JoinCode, "tls" | "id" | "seed" | "sealKey"> & {
  /** How it calls itself in errors: `code`, `machine`. */
  readonly by: "code" | "machine";
};

/**
 * Connects to the root's server.
 * @param certificates Undefined while the CA is not known. The answers prove whether they come from the root.
 */
export async function dial(
  { tls, id, seed, by }: Asker,
  { root, certificates }: Pick<JoinOptions, "root" | "certificates">,
): Promise<Connection> {
  const url = `${tls ? "tls" : "nats"}://${root.host}:${root.port}`;
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
      `the root at ${root.host}:${root.port} does not know this ${by}: ${UNKNOWN[by]}`,
      { cause: thrown },
    );
  }
}

const UNKNOWN = {
  code: "it was used, revoked, has expired, or is another root's",
  machine: "another has joined in its place, or its subnet is gone; join with a new code",
} as const;

/** The code that rejects reports the refusal. */
const silent = (): void => undefined;
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };

export function nonce(): string {
  return randomBytes(16).toString("base64url");
}

/**
 * Asks once. Rejects with the root's refusal, with `timeout` without an answer, with `unavailable` when the root
 * disconnects, and with `denied` for an answer of another.
 */
export async function ask<T>(
  connection: Connection,
  { id, seed, sealKey, by }: Asker,
  request: Request,
  schema: z.ZodType<T>,
  timeoutMs: number,
): Promise<T> {
  const asked = connection.nc.request(joinSubject(id), signRequest(request, seed), { timeout: timeoutMs });
  const answered = asked.then(
    ({ data }) => data,
    (cause: unknown) => {
      throw new MeshError("timeout", `the root does not answer; try again with the same ${by}`, { cause });
    },
  );
  const { hungUp, ignore: stop } = disconnection(connection, by);
  const data = await Promise.race([answered, hungUp]).finally(stop);
  if (data.length === 0) {
    if (by === "machine")
      throw new MeshError("unavailable", "the root has no time now, or knows this machine no more");
    throw new MeshError("denied", "the code was used, revoked, or has expired, or the root has no time now");
  }
  return openAnswer(data, sealKey, request.nonce, schema);
}

/** Rejects when the root's server disconnects, as it does when an invitation ends. */
function disconnection(
  connection: Connection,
  by: Asker["by"],
): { readonly hungUp: Promise<never>; ignore(): void } {
  let ignore = (): void => undefined;
  const hungUp = new Promise<never>((_, reject) => {
    const onDisconnect = (): void => {
      const why =
        by === "code"
          ? "the code was used by somebody else, revoked or has expired, or the root is being restarted"
          : "another machine has joined in its place, or the root is being restarted";
      reject(new MeshError("unavailable", `the root has hung up: ${why}; run it again to hear which`));
    };
    ignore = connection.listen({ onDisconnect });
  });
  return { hungUp, ignore };
}
