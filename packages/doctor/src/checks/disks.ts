import { statfs } from "node:fs/promises";
import { deadLetterStream } from "@adaos/core/wire";
import type { AskedServer, Finding, Scene } from "../check.ts";

const MIN_FREE_BYTES = 512 * 1024 ** 2;
const MIN_FREE_SHARE = 0.05;
const FULL_SHARE = 0.9;
const GIB = 1024 ** 3;

/** Room on the disk of the state folder, in the stores of servers, and in streams that refuse when full. */
export async function disks(scene: Scene): Promise<readonly Finding[]> {
  const asked = await scene.askServers();
  const stores = asked.flatMap(({ server, varz: { jetstream } }): Finding[] => {
    const { max_storage: most = 0 } = jetstream?.config ?? {};
    const used = jetstream?.stats?.storage ?? 0;
    if (most <= 0 || used < most * FULL_SHARE) return [];
    return [
      {
        level: "fault",
        about: server.name,
        problem: `its store is ${percent(used / most)} full`,
        why: `${gib(used)} of the ${gib(most)} that JetStream may take`,
        mend: `df -h ${scene.stateDir}`,
      },
    ];
  });
  return [...(await diskOf(scene.stateDir)), ...stores, ...asked.flatMap(streamFindings)];
}

async function diskOf(stateDir: string): Promise<Finding[]> {
  const { bsize, blocks, bavail, files, ffree } = await statfs(stateDir);
  const [free, all] = [bavail * bsize, blocks * bsize];
  const mend = `du -xh --max-depth=2 ${stateDir} | sort -h | tail`;
  const found: Finding[] = [];
  if (free < MIN_FREE_BYTES || free < all * MIN_FREE_SHARE) {
    const problem = `the disk is nearly full: ${gib(free)} of ${gib(all)} are free`;
    const why = "a server whose disk is full once takes no writes until it is started again";
    found.push({ level: "fault", about: stateDir, problem, why, mend });
  }
  // Some file systems count no files.
  if (files > 0 && ffree < files * MIN_FREE_SHARE) {
    const problem = `the disk has room for ${ffree} more files only`;
    const why = "streams, outboxes and marks begin new files all the time";
    found.push({ level: "fault", about: stateDir, problem, why, mend });
  }
  return found;
}

/** Streams that drop their oldest when they are full are meant to be full. */
function streamFindings({ server, streams }: AskedServer): Finding[] {
  return streams.flatMap(({ name, config, state }): Finding[] => {
    const most = config?.max_bytes ?? 0;
    if (config?.discard !== "new" || most <= 0 || state.bytes < most * FULL_SHARE) return [];
    return [
      {
        level: "fault",
        about: `${server.of}: ${name}`,
        problem: `the stream is ${percent(state.bytes / most)} full`,
        why: "a full stream refuses what is published (backpressure) until what it holds is old enough",
        mend:
          name === deadLetterStream(server.of)
            ? `adaos events dlq purge --at ${server.of} --older-than 7`
            : `adaos events status --at ${server.of}`,
      },
    ];
  });
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function gib(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)} GiB`;
}
