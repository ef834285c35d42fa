import { gunzipSync } from "node:zlib";
import { MeshError } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";
import { ContentBuilder, MAX_BYTES, MAX_FILES, type SkillContent } from "./content.ts";

const BLOCK = 512;
/** Headers and padding beside the files. */
const MAX_TAR_BYTES = MAX_BYTES + (MAX_FILES + 10) * BLOCK * 4;
/** Of an extended header, which holds a long path. */
const MAX_EXTENDED_BYTES = 65_536;

/**
 * Reads a tar file, plain or compressed by gzip: files and folders alone. Throws `usage` for links, devices, paths that
 * leave the folder, and too much. A folder around everything is left out. Pure.
 */
export function readTarball(bytes: Uint8Array, from: string): SkillContent {
  const builder = new ContentBuilder(from);
  const tar = unpacked(bytes, from);
  let longPath: string | undefined;
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const header = tar.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) break;
    const { path, size, type } = headerOf(header, from);
    const body = tar.subarray(at + BLOCK, at + BLOCK + size);
    if (body.length < size) throw broken(from, "it ends within a file");
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    if (type === "g") continue;
    if (type === "x" || type === "L") {
      if (size > MAX_EXTENDED_BYTES) throw broken(from, "it has a header that is too long");
      longPath = type === "L" ? textOf(body) : (paxPathOf(body) ?? longPath);
      continue;
    }
    const own = (longPath ?? path).replace(/^\.\//, "").replace(/\/$/, "");
    longPath = undefined;
    if (type === "5") {
      if (own !== "" && own !== ".") builder.addFolder(own);
    } else if (type === "0" || type === "\0") builder.add(own, body);
    else throw builder.refusal(own, type === "1" || type === "2" ? "is a link" : "is no plain file");
  }
  return withoutTop(builder.done());
}

function unpacked(bytes: Uint8Array, from: string): Buffer {
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
  if (!isPacked) return Buffer.from(bytes);
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_TAR_BYTES });
  } catch (cause) {
    throw broken(from, messageOf(cause));
  }
}

function headerOf(
  header: Buffer,
  from: string,
): { readonly path: string; readonly size: number; readonly type: string } {
  const sum = header.reduce((all, byte, i) => all + (i >= 148 && i < 156 ? 32 : byte), 0);
  if (sum !== octal(header.subarray(148, 156))) throw broken(from, "its checksum is wrong");
  const size = octal(header.subarray(124, 136));
  if (!(size >= 0 && size <= MAX_BYTES)) throw broken(from, `a file in it has more than ${MAX_BYTES} bytes`);
  const isUstar = header.subarray(257, 262).toString("latin1") === "ustar";
  const prefix = isUstar ? textOf(header.subarray(345, 500)) : "";
  const name = textOf(header.subarray(0, 100));
  return {
    path: prefix === "" ? name : `${prefix}/${name}`,
    size,
    type: String.fromCharCode(header[156] ?? 0),
  };
}

function octal(field: Buffer): number {
  const text = textOf(field).trim();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
}

function textOf(field: Uint8Array): string {
  const end = field.indexOf(0);
  return Buffer.from(end < 0 ? field : field.subarray(0, end)).toString("utf8");
}

/** `27 path=a/long/path\n` */
function paxPathOf(body: Buffer): string | undefined {
  const [, path] = /(?:^|\n)\d+ path=([^\n]*)\n/.exec(body.toString("utf8")) ?? [];
  return path;
}

/** npm and many others put a folder around everything. */
function withoutTop(content: SkillContent): SkillContent {
  const [first] = content.keys();
  const top = `${first?.split("/")[0] ?? ""}/`;
  const isAround = first?.includes("/") === true && [...content.keys()].every((path) => path.startsWith(top));
  return isAround ? new Map([...content].map(([path, bytes]) => [path.slice(top.length), bytes])) : content;
}

function broken(from: string, why: string): MeshError {
  return new MeshError("usage", `${from} cannot be unpacked: ${why}`);
}
