import { logFilePath, runFilePath } from "@adaos/config";
import { openLog, runNode } from "@adaos/daemon";
import { readLayout } from "@adaos/provision";
import { VIEWER } from "@adaos/supervise";
import type { ViewerListen } from "./http/viewer-server.ts";
import { ViewerPart } from "./viewer-part.ts";

/** Where a viewer listens that nobody has told. */
const LOOPBACK: ViewerListen = { host: "127.0.0.1", port: 7480, origins: [] };

export interface RunViewerOptions {
  readonly stateDir: string;
  readonly pageDir: string;
  /** Without it, as the mesh file says. */
  readonly listen?: ViewerListen | undefined;
}

/**
 * Runs the viewer of a state folder until a signal stops it. Resolves with the exit code. Rejects with `usage` or
 * `invalid-config`.
 */
export function runViewer({ stateDir, pageDir, listen }: RunViewerOptions): Promise<number> {
  const { mesh, viewer } = readLayout(stateDir);
  const log = openLog({
    level: "info",
    file: logFilePath(stateDir, VIEWER),
    base: { mesh, node: VIEWER },
  });
  const options = {
    stateDir,
    pageDir,
    listen: listen ?? viewer ?? LOOPBACK,
    say: (line: string) => log.warn({ line }, "viewer reports"),
  };
  return runNode({
    node: VIEWER,
    role: VIEWER,
    http: { host: "127.0.0.1", port: 0 },
    runFile: runFilePath(stateDir, VIEWER),
    log,
    parts: [new ViewerPart(options, log)],
  });
}
