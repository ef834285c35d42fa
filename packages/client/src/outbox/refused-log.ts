import { appendFile, mkdir, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { MeshError, Message } from "@adaos/core";

/** Limit of the file, and of the one before it. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Messages that were accepted and then refused for good, one JSON line each, for a person to look at. */
export class RefusedLog {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Resolves when the line is written. Rejects when that fails. */
  async add({ subject, id, headers, body }: Message, { code, message }: MeshError): Promise<void> {
    const refusedAt = new Date().toISOString();
    const text = Buffer.from(body).toString("utf8");
    const line = `${JSON.stringify({ refusedAt, id, subject, error: { code, message }, headers, body: text })}\n`;
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    const size = await stat(this.path).then(
      (found) => found.size,
      () => 0,
    );
    if (size > 0 && size + line.length > MAX_BYTES) await rename(this.path, `${this.path}.1`);
    await appendFile(this.path, line, { mode: 0o600, flush: true });
  }
}
