import { open } from "node:fs/promises";

/** A line of a file. */
export interface NumberedLine {
  readonly text: string;
  /** `FILE:LINE`; the file alone where it is too long to count its lines. */
  readonly place: string;
}

/** Read of a file at most, from its end. */
const MAX_BYTES = 8 * 1024 * 1024;

/** The lines that contain a text, from the last 8 MiB of a file; none when there is no file. */
export async function linesWith(path: string, part: string): Promise<NumberedLine[]> {
  const tail = await tailOf(path);
  if (tail === undefined) return [];
  return tail.text.split("\n").flatMap((text, i) => {
    if (!text.includes(part)) return [];
    return [{ text, place: tail.isWhole ? `${path}:${i + 1}` : path }];
  });
}

async function tailOf(path: string): Promise<{ text: string; isWhole: boolean } | undefined> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    const length = Math.min(size, MAX_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return { text: buffer.toString("utf8", 0, bytesRead), isWhole: length === size };
  } finally {
    await file.close();
  }
}
