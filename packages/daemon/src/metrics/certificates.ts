import { X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import type { Figure } from "@adaos/core/wire";

/** A longer file is not one of our certificates. */
const MAX_BYTES = 262_144;

/** The end date of each of these certificates; none for a file without a certificate. Of a chain, the first counts. */
export async function certificateFigures(files: readonly string[]): Promise<readonly Figure[]> {
  const ends = [...new Set(files)].map(async (file): Promise<readonly Figure[]> => {
    const endMs = await endOf(file).catch(() => Number.NaN);
    if (Number.isNaN(endMs)) return [];
    return [{ metric: "certificateEnd", labels: [basename(file)], value: endMs / 1000 }];
  });
  return (await Promise.all(ends)).flat();
}

async function endOf(file: string): Promise<number> {
  if ((await stat(file)).size > MAX_BYTES) return Number.NaN;
  return Date.parse(new X509Certificate(await readFile(file)).validTo);
}
