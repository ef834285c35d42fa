import { MeshError } from "@adaos/core";

/**
 * Throws `usage` on a system where no mesh can be kept. Windows has no `/bin/sh`, on which the supervisor's guard
 * depends, and no `ps` to tell a process from a later one of the same id. Pure.
 */
export function assertPlatform(platform: NodeJS.Platform): void {
  if (platform !== "win32") return;
  throw new MeshError(
    "usage",
    "a mesh does not run on Windows itself: run adaos up within WSL 2; programs on Windows may connect to it",
  );
}
