import { readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { MeshError } from "@adaos/core";

/** Nothing from outside, no inline code, no frame around it, and no text that becomes markup. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

/** Headers of every answer, of pages and API alike. */
export const SAFE_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=()",
};

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

interface PageFile {
  readonly type: string;
  readonly plain: Buffer;
  readonly zipped: Buffer;
}

/** The built page, in memory: a request never becomes a path on the disk. */
export class PageFiles {
  readonly #files: ReadonlyMap<string, PageFile>;
  readonly #index: PageFile;

  /** Reads the files that the build has written. Throws `unavailable` where the page is not built. */
  constructor(dir: string) {
    const files = new Map<string, PageFile>();
    try {
      for (const entry of readdirSync(dir, { withFileTypes: true, recursive: true })) {
        const type = TYPES[entry.name.split(".").at(-1) ?? ""];
        if (!entry.isFile() || type === undefined) continue;
        const file = join(entry.parentPath, entry.name);
        const plain = readFileSync(file);
        files.set(file.slice(dir.length).replaceAll("\\", "/").replace(/^\/?/, "/"), {
          type,
          plain,
          zipped: gzipSync(plain),
        });
      }
    } catch (cause) {
      throw MeshError.from(cause, "unavailable", `the page in ${dir} cannot be read; npm run build makes it`);
    }
    const index = files.get("/index.html");
    if (index === undefined)
      throw new MeshError("unavailable", `there is no page in ${dir}; npm run build makes it`);
    this.#files = files;
    this.#index = index;
  }

  /** Answers a GET or HEAD. Every path that is no file is the page itself, which shows what it can. */
  answer(request: IncomingMessage, response: ServerResponse, path: string): void {
    const file = this.#files.get(path) ?? this.#index;
    const isZipped = /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
    const isAsset = path.startsWith("/assets/") && file !== this.#index;
    response.writeHead(200, {
      "content-type": file.type,
      // The names of assets change with their content.
      "cache-control": isAsset ? "public, max-age=31536000, immutable" : "no-cache",
      vary: "accept-encoding",
      ...(isZipped ? { "content-encoding": "gzip" } : {}),
    });
    response.end(request.method === "HEAD" ? undefined : isZipped ? file.zipped : file.plain);
  }
}
