import { PING_MS } from "../protocol/messages.ts";

/** Longest time without an answer to a ping. */
const SILENT_MS = 10_000;
const MAX_UNANSWERED = SILENT_MS / PING_MS;

/** What is known of a process at a look. */
export interface ProcessLook {
  /** Pings since its last answer. A count and no time: the daemon itself may have stood still. */
  readonly unanswered: number;
  /** Memory that it holds; undefined where the system does not tell. */
  readonly rssBytes: number | undefined;
  /** What the daemon has sent, and it has not read. */
  readonly unreadBytes: number;
  /** Deliveries whose time was up, and whose handlers still run. */
  readonly abandoned: number;
}

const MAX_ABANDONED = 100;
/** They are in the daemon's memory. */
const MAX_UNREAD_MB = 64;

/** Why a process must end; undefined while it may go on. Pure. */
export function whyToKill(look: ProcessLook, memoryMb: number): string | undefined {
  const { unanswered, rssBytes = 0, unreadBytes, abandoned } = look;
  const usedMb = Math.ceil(rssBytes / 1_048_576);
  if (usedMb > memoryMb)
    return `its process uses ${usedMb} MiB, its limit is ${memoryMb}; let it hold less, or set memory_mb in skill.yaml`;
  if (unanswered > MAX_UNANSWERED)
    return `its process has not answered for ${SILENT_MS / 1000} s: a loop without await stops everything else in it`;
  if (unreadBytes > MAX_UNREAD_MB * 1_048_576)
    return `its process has not read ${MAX_UNREAD_MB} MiB that the daemon has sent it; let it read the results of its calls`;
  if (abandoned >= MAX_ABANDONED)
    return `${abandoned} of its handlers have not ended although their time was up; let them end when signal aborts`;
  return undefined;
}
