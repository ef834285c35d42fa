import { existsSync } from "node:fs";
import type { Logger } from "@adaos/core";
import { MarkIds } from "./mark-ids.ts";
import { MarkIndex } from "./mark-index.ts";
import { type MarkId, readId, timeOf } from "./mark-record.ts";
import { OtherFiles } from "./other-files.ts";

/** The most marks that a member's folder can have. */
const MAX_MARKS = 4_194_304;

/** The effects that a member has marked as handled. */
export interface PeekedMarks {
  /** @param key As `effectKey()` returns it. */
  has(durable: string, key: string): boolean;
  /** Marks that cannot be read any more. */
  readonly lost: number;
}

/**
 * The marks in a member's folder, from all its processes, as they were at one moment. Read-only: it takes over and
 * changes nothing. Rejects with the error of reading a file.
 */
export async function peekMarks(dir: string): Promise<PeekedMarks> {
  const index = new MarkIndex(MAX_MARKS);
  const ids = new MarkIds();
  const has = (durable: string, key: string): boolean => index.has(ids.of(durable, key));
  if (!existsSync(dir)) return { has, lost: 0 };
  const read: MarkId = new Uint32Array(4);
  const files = new OtherFiles({
    dir,
    log: SILENT,
    isOwn: () => false,
    onMark: (content, at) => {
      readId(content, at, read);
      index.add(read, timeOf(content, at));
    },
  });
  try {
    await files.open();
    const lost = [...files.lost].reduce((sum, { records }) => sum + records, 0);
    return { has, lost };
  } finally {
    files.close();
  }
}

const silent = (): void => undefined;
const SILENT: Logger = { debug: silent, info: silent, warn: silent, error: silent };
