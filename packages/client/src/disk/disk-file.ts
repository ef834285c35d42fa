import { type FileHandle, open } from "node:fs/promises";
import { MeshError } from "@adaos/core";

/** The error of a read or write of this machine's disk, as a MeshError. */
export function diskError(cause: unknown, what: string): MeshError {
  const code = (cause as NodeJS.ErrnoException | null)?.code ?? "";
  return MeshError.from(cause, ["ENOSPC", "EDQUOT"].includes(code) ? "backpressure" : "unavailable", what);
}

export async function writeFully(handle: FileHandle, content: Buffer, position: number): Promise<void> {
  for (let done = 0; done < content.length; ) {
    const { bytesWritten } = await handle.write(content, done, content.length - done, position + done);
    done += bytesWritten;
  }
}

/** Fills `into`. Rejects when the file ends before. */
export async function readFully(handle: FileHandle, into: Buffer, position: number): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await handle.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) throw new MeshError("unavailable", "the file ends before its last record");
    done += bytesRead;
  }
}

/** A new name is on disk only when its folder is synced. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
