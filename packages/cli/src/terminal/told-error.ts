import { MESH_ERROR_CODES, MeshError, type MeshErrorCode } from "@adaos/core";

/** The last lines of a log that a message may have. */
const MAX_LINES = 20;

/**
 * The error with which a command of ours has ended, from what it has printed: as if this process had thrown it.
 * Undefined when the text does not end with an error. Pure.
 */
export function toldError(printed: string): MeshError | undefined {
  const begin = printed.lastIndexOf("\nerror ") + 1;
  const told = printed.slice(begin).trimEnd();
  const [, text, code] = /^error ([\s\S]+) \(([a-z-]+)\)$/.exec(told) ?? [];
  if (text === undefined || !isCode(code)) return undefined;
  return new MeshError(code, text);
}

/** The last lines of a log. Pure. */
export function endOf(log: string): string {
  return log.trim().split("\n").slice(-MAX_LINES).join("\n");
}

function isCode(text: string | undefined): text is MeshErrorCode {
  return MESH_ERROR_CODES.some((code) => code === text);
}
