import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { MeshError } from "@adaos/core";
import { withTimeLimit } from "../time-limit.ts";

export interface DownloadLimits {
  /** From the request to the first byte of the answer, redirects included; milliseconds. */
  readonly answerMs: number;
  readonly maxBytes: number;
}

export type OnReceived = (receivedBytes: number, totalBytes: number | undefined) => void;

/** Fetches a small text. Rejects with MeshError `unavailable`, or with the signal's reason. */
export async function downloadText(url: URL, limits: DownloadLimits, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  await receive(url, limits, signal, async (body) => {
    for await (const chunk of body) chunks.push(chunk);
  });
  return Buffer.concat(chunks).toString("utf8");
}

/**
 * Fetches into a file. Rejects with MeshError `unavailable`, or with the signal's reason; the caller removes the part
 * that was written by then.
 * @returns SHA-256 of the file, lower-case hex.
 */
export async function downloadFile(
  url: URL,
  file: string,
  limits: DownloadLimits,
  signal: AbortSignal,
  onReceived: OnReceived,
): Promise<string> {
  const hash = createHash("sha256");
  async function* hashed(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      hash.update(chunk);
      yield chunk;
    }
  }
  const save = (body: AsyncIterable<Uint8Array>): Promise<void> =>
    pipeline(hashed(body), createWriteStream(file, { flags: "wx" }));
  await receive(url, limits, signal, save, onReceived);
  return hash.digest("hex");
}

async function receive(
  url: URL,
  limits: DownloadLimits,
  signal: AbortSignal,
  consume: (body: AsyncIterable<Uint8Array>) => Promise<void>,
  onReceived: OnReceived = () => undefined,
): Promise<void> {
  try {
    const response = await withTimeLimit(limits.answerMs, `${url.host} did not answer`, signal, (inner) =>
      request(url, inner),
    );
    await consume(bounded(response, url, limits.maxBytes, signal, onReceived));
  } catch (thrown) {
    signal.throwIfAborted();
    throw MeshError.from(rootOf(thrown), "unavailable", url.href);
  }
}

async function request(url: URL, signal: AbortSignal): Promise<Response> {
  const response = await fetch(url, { signal });
  const losesTls = url.protocol === "https:" && !response.url.startsWith("https:");
  if (response.ok && !losesTls) return response;
  await response.body?.cancel();
  const what = losesTls ? "redirects to an address without TLS" : `answered ${response.status}`;
  throw new MeshError("unavailable", `${url.href} ${what}`);
}

/** The body as it arrives, with checks of its size and of the signal, which fetch() ignores once it has answered. */
async function* bounded(
  response: Response,
  url: URL,
  maxBytes: number,
  signal: AbortSignal,
  onReceived: OnReceived,
): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  const stop = (): void => void reader.cancel(signal.reason).catch(() => undefined);
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  const totalBytes = Number.isSafeInteger(length) && length > 0 ? length : undefined;
  let receivedBytes = 0;
  signal.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return;
      receivedBytes += value.byteLength;
      if (receivedBytes > maxBytes) {
        throw new MeshError("unavailable", `${url.href} is larger than ${maxBytes} bytes`);
      }
      onReceived(receivedBytes, totalBytes);
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}

/** fetch() only says "fetch failed": the reason is its cause, or the first of several. */
function rootOf(thrown: unknown): unknown {
  const cause = thrown instanceof TypeError ? (thrown.cause ?? thrown) : thrown;
  return cause instanceof AggregateError ? (cause.errors[0] ?? cause) : cause;
}
