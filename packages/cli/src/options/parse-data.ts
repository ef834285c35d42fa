import { closeSync, openSync, readSync } from "node:fs";
import { MeshError } from "@adaos/core";
import { quote, repeatedKey } from "@adaos/core/wire";

/** Room for an event's data however it is indented. */
const MAX_DATA_BYTES = 1024 * 1024;

/** Data of an event: JSON, `@FILE`, or `-` for standard input. Throws `invalid-event`, or `usage` for a file. */
export function parseData(option: string): unknown {
  const text = option === "-" || option.startsWith("@") ? readInput(option) : option;
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    // The parser's own words quote the data, of which a part may be classified.
    throw new MeshError("invalid-event", "--data is not JSON: look for a missing quote, comma or bracket");
  }
  const repeated = repeatedKey(text);
  if (repeated === undefined) return data;
  throw new MeshError(
    "invalid-event",
    `--data has the key ${quote(repeated)} twice in one object; remove one`,
  );
}

function readInput(option: string): string {
  const shown = option === "-" ? "standard input" : option.slice(1);
  try {
    const descriptor = option === "-" ? 0 : openSync(option.slice(1), "r");
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(readBounded(descriptor, shown));
    } finally {
      if (option !== "-") closeSync(descriptor);
    }
  } catch (cause) {
    throw MeshError.from(cause, "usage", `--data cannot be read from ${shown}`);
  }
}

/** The size of a file is not reliable: a device has no end. */
function readBounded(descriptor: number, shown: string): Uint8Array {
  const held = Buffer.alloc(MAX_DATA_BYTES + 1);
  let length = 0;
  for (let got = -1; got !== 0 && length < held.length; length += got) {
    got = readSync(descriptor, held, length, held.length - length, null);
  }
  if (length <= MAX_DATA_BYTES) return held.subarray(0, length);
  throw new MeshError("too-large", `--data from ${shown} is more than ${MAX_DATA_BYTES} bytes`);
}
