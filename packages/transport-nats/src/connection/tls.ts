import { MeshError } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";
import { type ConnectionOptions as DialOptions, ErrorCode, NatsError, type ServerInfo } from "nats";

/** Whom a client trusts and what it shows; PEM files, read again at each reconnect. */
export interface ConnectionTls {
  /** @default the CAs that Node knows */
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** Takes any server: for who tells by other means whom it speaks with. @default true */
  readonly rejectUnauthorized?: false;
}

/** How a TLS handshake says that the other side is not who it should be. */
const DISTRUST: ReadonlySet<unknown> = new Set([
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "CERT_SIGNATURE_FAILURE",
  "CERT_UNTRUSTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "INVALID_CA",
  "INVALID_PURPOSE",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

export function isEncrypted(url: string): boolean {
  return url.startsWith("tls:");
}

/** The client library itself takes `tls://` for `nats://`: only this option keeps it from a server without TLS. */
export function dialTls(url: string, tls: ConnectionTls = {}): Pick<DialOptions, "tls"> {
  if (!isEncrypted(url)) return {};
  const files: DialOptions["tls"] = Object.fromEntries(
    Object.entries(tls).filter(([, file]) => file !== undefined),
  );
  // Of a server without a name it would check the name `localhost`, whatever its address.
  return { tls: Object.assign(files, { host: new URL(url).hostname }) };
}

/**
 * Refuses to go on with a server that asks for a certificate where there is none: it would take the handshake and hang
 * up afterwards, which looks like a timeout.
 */
export function assertCertificate(
  info: ServerInfo & { readonly tls_verify?: boolean },
  options: DialOptions,
): void {
  const { certFile, cert } = options.tls ?? {};
  if (info.tls_verify !== true || (certFile ?? cert) !== undefined) return;
  const where = [options.servers ?? []].flat().join();
  throw new MeshError(
    "denied",
    `the server at ${where} asks for a certificate; name one in server.tls of the node file`,
  );
}

/**
 * The error of a connection that certificates forbid, and that no further attempt will bring about.
 * @param caName Where the user says whom to trust.
 */
export function tlsRefusal(
  thrown: unknown,
  url: string,
  caName = "server.tls.caFile",
): MeshError | undefined {
  if (thrown instanceof MeshError) return thrown;
  if (thrown instanceof NatsError && thrown.code === ErrorCode.Tls) {
    return new MeshError("invalid-config", `the certificates for ${url} cannot be used: ${thrown.message}`, {
      cause: thrown,
    });
  }
  if (thrown instanceof NatsError && thrown.code === ErrorCode.ServerOptionNotAvailable) {
    return new MeshError(
      "denied",
      `the server at ${url} speaks no TLS, and without it nothing is sent there`,
      {
        cause: thrown,
      },
    );
  }
  if (!DISTRUST.has((thrown as { code?: unknown } | undefined)?.code)) return undefined;
  const why = `the server at ${url} is not trusted: ${messageOf(thrown)}`;
  return new MeshError("denied", `${why}; is ${caName} the CA of its certificate?`, {
    cause: thrown,
  });
}
