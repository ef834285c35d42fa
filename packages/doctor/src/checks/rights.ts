import { assertPrivate, ownershipProblem, readNodeFile, readServerAccess } from "@adaos/config";
import { messageOf } from "@adaos/core/wire";
import type { NodeLayout } from "@adaos/provision";
import { isKeyRefused, openConnection } from "@adaos/transport-nats";
import type { Finding, Scene } from "../check.ts";

/** Members that connect at the same time. */
const MAX_AT_ONCE = 16;
const ANSWER_MS = 2000;
const silent = (): void => undefined;
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };

/** Whether secrets are private, and whether each member's key still opens its hub's server. */
export async function rights(scene: Scene): Promise<readonly Finding[]> {
  const { layout, stateDir, open } = scene;
  const found: Finding[] = [];
  const problem = ownershipProblem(stateDir);
  if (problem !== undefined) {
    const mend = /run: (.*)$/.exec(problem)?.[1] ?? `ls -ld ${stateDir}`;
    const why = "whoever may write there decides which processes are killed and which keys are trusted";
    found.push({ level: "fault", about: stateDir, problem, why, mend });
  }
  const seeds = layout.servers.flatMap((server) => [server.seedFile, server.systemSeedFile]);
  found.push(...[...new Set(seeds)].flatMap(secretFinding));
  const answering = new Set(open.map(({ of }) => of));
  const members = layout.nodes.filter(
    ({ id, role }) => role === "member" && answering.has(id.split("/")[0] ?? ""),
  );
  for (let from = 0; from < members.length; from += MAX_AT_ONCE) {
    const looks = members.slice(from, from + MAX_AT_ONCE).map(memberFinding);
    found.push(...(await Promise.all(looks)).flat());
  }
  return found;
}

function secretFinding(file: string): Finding[] {
  try {
    assertPrivate(file);
    return [];
  } catch (thrown) {
    const problem = messageOf(thrown);
    const mend = /run: (.*)$/.exec(problem)?.[1] ?? `ls -l ${file}`;
    const why = "a daemon does not start by a key that others may have read";
    return [{ level: "fault", about: file, problem, why, mend }];
  }
}

async function memberFinding({ id, nodeFile }: NodeLayout): Promise<Finding[]> {
  let access: ReturnType<typeof readServerAccess>;
  try {
    const { config, path } = readNodeFile(nodeFile, "member");
    const { seedFile } = config.server;
    const secret = secretFinding(path(seedFile));
    if (secret.length > 0) return secret;
    access = readServerAccess(config.server, path);
  } catch {
    // The check of files reports why this file cannot be read.
    return [];
  }
  try {
    const user = id.split("/")[1] ?? id;
    const options = { ...access, name: id, user, log: SILENT, timeoutMs: ANSWER_MS };
    await (await openConnection(options)).close();
    return [];
  } catch (thrown) {
    const why = messageOf(thrown);
    return isKeyRefused(thrown)
      ? [{ level: "fault", about: id, problem: "its key opens nothing", why, mend: "adaos policy apply" }]
      : [{ level: "fault", about: id, problem: "cannot connect to its hub", why, mend: "adaos status" }];
  }
}
