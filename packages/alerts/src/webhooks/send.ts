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
 * Posts one message. Rejects with `unavailable` when nobody answers or a file cannot be read, and else with an error
 * that bears the status, by which it is classified. No error holds the URL.
 */
export async function sendWebhook(
  { name, urlFile, secretFile }: WebhookAddress,
  body: object,
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
    // Whoever is sent elsewhere would take a secret there.
    const options = { method: "POST", headers, body: text, redirect: "manual" } as const;
    response = await fetch(url, { ...options, signal: AbortSignal.timeout(ANSWER_MS) });
  } catch (thrown) {
    // Neither the message nor the cause of what fetch throws: they may name the URL.
    const code = causeCode(thrown);
    throw new MeshError("unavailable", `webhook ${name} does not answer${code === "" ? "" : ` (${code})`}`);
  }
  await response.body?.cancel();
  if (response.ok) return;
  const { status } = response;
  throw Object.assign(new Error(`webhook ${name} answers ${status}`), {
    status: Math.max(status, 400),
    headers: response.headers,
  });
}

/** The URL of a file's text. Throws `unavailable`, so that a file that is mended is used: the text is no part of it. */
export function webhookUrl(name: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && LOOPBACK.has(url.hostname));
  if (url === undefined || !isSafe)
    throw new MeshError(
      "unavailable",
      `the URL of webhook ${name} must be https://, or http:// on this machine`,
    );
  return url;
}

function readSecret(name: string, file: string): string {
  try {
    if (statSync(file).size > MAX_FILE_BYTES) throw new Error("it is too large");
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new MeshError("unavailable", `${file} of webhook ${name} cannot be read: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function causeCode(thrown: unknown): string {
  if (!(thrown instanceof Error)) return "";
  if (thrown.name === "TimeoutError") return `within ${ANSWER_MS / 1000} s`;
  const { cause } = thrown;
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" ? code : "";
}
