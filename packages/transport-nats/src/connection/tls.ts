import { MeshError } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";
import { type ConnectionOptions as DialOptions, ErrorCode, NatsError, type ServerInfo } from "nats";

/** The CAs that a client trusts and the certificate that it presents; PEM files, read again at each reconnect. */
export interface ConnectionTls {
  /** @default the CAs that Node knows */
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** Accepts any server, for a caller that verifies the server by other means. @default true */
  readonly rejectUnauthorized?: false;
}

/** Codes of a TLS handshake in which one side does not trust the other's certificate. */
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

/** The client library itself treats `tls://` as `nats://`. Only this option makes it refuse a server without TLS. */
export function dialTls(url: string, tls: ConnectionTls = {}): Pick<DialOptions, "tls"> {
  if (!isEncrypted(url)) return {};
  const files: DialOptions["tls"] = Object.fromEntries(
    Object.entries(tls).filter(([, file]) => file !== undefined),
  );
  // For a server without a name, the library would check the name `localhost`, whatever the address is.
  return { tls: Object.assign(files, { host: new URL(url).hostname }) };
}

/**
 * Refuses a server that asks for a certificate when there is none. Such a server would complete the handshake and hang
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
 * The error of a connection that certificates forbid and that no retry can make.
 * @param caName Where the user configures which CAs to trust.
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
  const { code } = (thrown ?? {}) as { readonly code?: unknown };
  if (!DISTRUST.has(code)) return undefined;
  const why = `the server at ${url} is not trusted: ${messageOf(thrown)}`;
  return new MeshError("denied", `${why}; ${distrustRemedy(code, caName)}`, { cause: thrown });
}

/** A wrong clock is the more likely fault where the mesh makes its own certificates, which it renews in time. */
function distrustRemedy(code: unknown, caName: string): string {
  const clock = `this machine's clock shows ${new Date().toISOString()}`;
  if (code === "CERT_NOT_YET_VALID") return `${clock}; is it right? timedatectl set-ntp true sets it`;
  if (code === "CERT_HAS_EXPIRED")
    return `${clock}; if that is right, renew the certificate: adaos up does it on the server's machine`;
  return `is ${caName} the CA of its certificate?`;
}
