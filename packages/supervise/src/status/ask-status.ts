import { existsSync, readFileSync } from "node:fs";
import { get } from "node:http";
import { text } from "node:stream/consumers";
import { runFilePath } from "@adaos/config";
import type { NodeStatus, RunFile } from "@adaos/daemon";

/** A process that is down or hangs must not delay the answers of the others. */
export const ANSWER_MS = 2000;

/** The status that the daemon of a node on this machine reports; undefined when it does not run. */
export async function askStatus(
  id: string,
  stateDir: string,
): Promise<{ readonly status: NodeStatus; readonly statusUrl: string } | undefined> {
  const file = runFilePath(stateDir, id);
  if (!existsSync(file)) return undefined;
  const { statusUrl } = JSON.parse(readFileSync(file, "utf8")) as RunFile;
  return { status: JSON.parse(await read(`${statusUrl}/status`)) as NodeStatus, statusUrl };
}

/** The body at a URL. Uses no `fetch`, which takes longer to load than everything else in `adaos status`. */
function read(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const request = get(url, { signal, agent: false }, (response) => {
      text(response).then(resolve, reject);
    });
    request.once("error", (error) => reject(signal.aborted ? signal.reason : error));
  });
}
