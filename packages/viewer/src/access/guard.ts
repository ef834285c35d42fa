import type { IncomingHttpHeaders } from "node:http";
import { isOwnHost } from "@adaos/daemon";

/** Where the viewer listens, and the pages of others that may use its API. */
export interface Listen {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  /** Origins such as `https://panel.example`: names of this viewer, and pages that may use its API. */
  readonly origins: readonly string[];
}

/** A refused request: the status and one sentence. */
export interface Refusal {
  readonly status: 403 | 415 | 421;
  readonly message: string;
}

/**
 * Why a request is refused before anybody looks at its token. A page of another site may map a name of its own to this
 * address, or make the browser of a signed-in user send a request. Tokens travel in a header that no other site can
 * set, so a stolen click has no rights; this is the second lock. Pure.
 */
export function refusalOf(method: string, headers: IncomingHttpHeaders, listen: Listen): Refusal | undefined {
  if (!isOwnHost(headers.host, listen) && !isListed(headers.host ?? "", listen))
    return { status: 421, message: "the Host header names another server" };
  const { origin } = headers;
  if (origin !== undefined && !isOwnOrigin(origin, headers.host ?? "", listen))
    return {
      status: 403,
      message: `requests of pages at ${origin.slice(0, 100)} are refused; see viewer.origins`,
    };
  if (method === "GET" || method === "HEAD" || method === "OPTIONS") return undefined;
  const site = headers["sec-fetch-site"];
  if (origin === undefined && site !== undefined && site !== "same-origin" && site !== "none")
    return { status: 403, message: "changes are taken from the viewer's own pages alone" };
  // A form of another site cannot send this type without asking first.
  if (!/^application\/json\b/.test(headers["content-type"] ?? ""))
    return { status: 415, message: "a change is sent as application/json" };
  return undefined;
}

function isListed(host: string, { isTls, origins }: Listen): boolean {
  return origins.includes(originOf(host, isTls));
}

function isOwnOrigin(origin: string, host: string, { isTls, origins }: Listen): boolean {
  return origin === originOf(host, isTls) || origins.includes(origin);
}

function originOf(host: string, isTls: boolean): string {
  return `${isTls ? "https" : "http"}://${host}`;
}
