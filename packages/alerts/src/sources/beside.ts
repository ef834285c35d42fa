import { readFileSync } from "node:fs";
import { get } from "node:http";
import { dirname } from "node:path";
import { text } from "node:stream/consumers";
import { type ConfigError, runFilePath } from "@adaos/config";
import { configErrors, type NodeStatus, type RunFile } from "@adaos/daemon";
import type { Sample } from "../judge/alert.ts";
import type { SampleSource } from "./gather.ts";

/*
 * The states that other daemons of the same machine report over HTTP. Daemons on other machines are not asked: a hub or
 * a member beside the supervisor of that machine reports them.
 */

const SUPERVISOR = "supervisor";
const ANSWER_MS = 2000;
const MAX_STATUS_BYTES = 4 * 1_048_576;

/** A process that restarts do not help, as a supervisor reports it. */
interface InVain {
  readonly component: string;
  readonly reason: string;
  readonly failures: number;
}

/**
 * Processes that the supervisor of this machine starts in vain, as far as they are this judge's, and a broken mesh
 * file.
 * @param runFile The judge's own.
 */
export function supervisorSource(
  runFile: string,
  isOwn: (process: string, isRootHere: boolean) => boolean,
): SampleSource {
  const stateDir = stateDirOf(runFile);
  return {
    name: SUPERVISOR,
    metrics: ["processFailures"],
    read: async () => {
      const run = runFileOf(stateDir, SUPERVISOR);
      // A daemon that is run by itself has none.
      if (run === undefined) return [];
      const { parts } = await askStatus(run);
      const isRootHere = runFileOf(stateDir, "root") !== undefined;
      const inVain = (parts["watchdog"]?.details?.["alerts"] ?? []) as readonly InVain[];
      const failures = inVain
        .filter(({ component }) => isOwn(component, isRootHere))
        .map(({ component, failures, reason }): Sample => {
          const cause = `${failures} starts in a row have failed, the last: ${reason.slice(0, 200)}`;
          return { metric: "processFailures", labels: { process: component }, value: failures, cause };
        });
      return isOwn(SUPERVISOR, isRootHere)
        ? [...failures, configSample(SUPERVISOR, configErrors(parts))]
        : failures;
    },
  };
}

/** How many files of a daemon are broken. Pure. */
export function configSample(daemon: string, errors: readonly ConfigError[]): Sample {
  const [first] = errors;
  const cause =
    first === undefined ? undefined : `${first.file}: ${first.place ?? ""} ${first.message}`.slice(0, 300);
  return { metric: "configErrors", labels: { daemon }, value: errors.length, cause };
}

/** Run files lie beside each other in a folder of the state folder. */
function stateDirOf(runFile: string): string {
  return dirname(dirname(runFile));
}

function runFileOf(stateDir: string, id: string): RunFile | undefined {
  try {
    return JSON.parse(readFileSync(runFilePath(stateDir, id), "utf8")) as RunFile;
  } catch {
    return undefined;
  }
}

/** Not by `fetch`, which a daemon that calls no webhook need not load. */
function askStatus({ statusUrl }: RunFile): Promise<NodeStatus> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const request = get(`${statusUrl}/status`, { signal, agent: false }, (response) => {
      if (Number(response.headers["content-length"] ?? 0) > MAX_STATUS_BYTES) response.destroy();
      text(response)
        .then((body) => resolve(JSON.parse(body) as NodeStatus))
        .catch(reject);
    });
    request.once("error", reject);
  });
}
