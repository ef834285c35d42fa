import { createHmac } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { MeshError } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";

/** Where messages go, and by which files that is known. */
export interface WebhookAddress {
  readonly name: string;
  /** Holds the URL, which is a secret with Slack and Discord. Read anew for each message. */
  readonly urlFile: string;
  /** Holds the key by which bodies are signed. */
  readonly secretFile?: string | undefined;
}

const ANSWER_MS = 10_000;
const MAX_FILE_BYTES = 8192;
const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "[::1]", "localhost"]);
/** `sha256=<hex>` of the body, by HMAC with the webhook's secret. */
const SIGNATURE_HEADER = "x-adaos-signature-256";

/**
 * Posts one message. Rejects with `unavailable` when the webhook does not answer or a file cannot be read. Any other
 * error bears the status, by which it is classified. No error holds the URL.
 */
export async function sendWebhook(
  { name, urlFile, secretFile }: WebhookAddress,
  body: object,
  answerMs: number = ANSWER_MS,
): Promise<void> {
  const url = webhookUrl(name, readSecret(name, urlFile));
  const text = JSON.stringify(body);
  const headers: Record<string, string> = { "content-type": "application/json", "user-agent": "adaos-mesh" };
  if (secretFile !== undefined) {
    const signature = createHmac("sha256", readSecret(name, secretFile)).update(text).digest("hex");
    headers[SIGNATURE_HEADER] = `sha256=${signature}`;
  }
  let response: Response;
  try {
    // A client that follows a redirect would carry a secret to another place.
    const options = { method: "POST", headers, body: text, redirect: "manual" } as const;
    response = await fetch(url, { ...options, signal: AbortSignal.timeout(answerMs) });
  } catch (thrown) {
    // Neither the message nor the cause of a fetch error: they may name the URL.
    const code = causeCode(thrown, answerMs);
    throw new MeshError("unavailable", `webhook ${name} does not answer${code === "" ? "" : ` (${code})`}`);
  }
  // The rest of the body is not needed, however long it is. A response that breaks off is an answer all the same.
  await response.body?.cancel().catch(() => undefined);
  if (response.ok) return;
  const { status } = response;
  throw Object.assign(new Error(`webhook ${name} answers ${status}`), {
    status: Math.max(status, 400),
    headers: response.headers,
  });
}

/** The URL in a file's text. Throws `unavailable`, so that a repaired file is used; the error never holds the text. */
export function webhookUrl(name: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && LOOPBACK.has(url.hostname));
  if (url === undefined || !isSafe)
    throw new MeshError(
      "unavailable",
      `the URL of webhook ${name} must be https://, or http:// on this machine`,
    );
  // A client does not send user and password of a URL, and its errors do not hide them.
  if (url.username + url.password !== "")
    throw new MeshError("unavailable", `the URL of webhook ${name} must hold no user or password`);
  return url;
}

function readSecret(name: string, file: string): string {
  try {
    const found = statSync(file);
    // A pipe would block the whole daemon until another process writes to it.
    if (!found.isFile()) throw new Error("it is no file");
    if (found.size > MAX_FILE_BYTES) throw new Error("it is too large");
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new MeshError("unavailable", `${file} of webhook ${name} cannot be read: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function causeCode(thrown: unknown, answerMs: number): string {
  if (!(thrown instanceof Error)) return "";
  if (thrown.name === "TimeoutError") return `within ${answerMs / 1000} s`;
  const { cause } = thrown;
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" ? code : "";
}
