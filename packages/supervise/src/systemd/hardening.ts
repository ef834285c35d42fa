import type { UnitLine } from "./unit-text.ts";
import { quotedWord } from "./unit-text.ts";

/** What a unit's process needs, as far as it decides what it is shut off from. */
export interface Needs {
  readonly stateDir: string;
  readonly scope: "system" | "user";
  /** Whether it reads or runs files below a home folder. */
  readonly usesHome: boolean;
  /** Likewise below a folder for temporary files. */
  readonly usesTmp: boolean;
  /** Whether it starts programs of others: skills. They may need devices, such as a serial port. */
  readonly startsPrograms: boolean;
  /** Folders that it must not see. */
  readonly hidden: readonly string[];
}

/** For every manager: a user's manager can do these too, without privileges. */
const EVERYWHERE: readonly UnitLine[] = [
  ["UMask", "0077"],
  "A core dump would hold keys.",
  ["LimitCORE", "0"],
  ["NoNewPrivileges", "yes"],
  ["LockPersonality", "yes"],
  ["RestrictRealtime", "yes"],
  ["RestrictSUIDSGID", "yes"],
  ["RestrictNamespaces", "yes"],
  "AF_NETLINK: for the list of network interfaces.",
  ["RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6 AF_NETLINK"],
  ["SystemCallArchitectures", "native"],
  ["SystemCallFilter", "@system-service"],
  ["SystemCallErrorNumber", "EPERM"],
  "No MemoryDenyWriteExecute: Node compiles JavaScript into memory that it then runs.",
];

/** These need mount namespaces or capabilities, which a user's manager does not have. */
const SYSTEM_ONLY: readonly UnitLine[] = [
  ["CapabilityBoundingSet", ""],
  ["AmbientCapabilities", ""],
  ["ProtectSystem", "strict"],
  ["ProtectProc", "invisible"],
  ["ProtectClock", "yes"],
  ["ProtectControlGroups", "yes"],
  ["ProtectHostname", "yes"],
  ["ProtectKernelLogs", "yes"],
  ["ProtectKernelModules", "yes"],
  ["ProtectKernelTunables", "yes"],
];

/** Shuts a process off from what it does not need. Throws `usage`. Pure. */
export function hardening({
  stateDir,
  scope,
  usesHome,
  usesTmp,
  startsPrograms,
  hidden,
}: Needs): readonly UnitLine[] {
  if (scope === "user") return EVERYWHERE;
  const devices: readonly UnitLine[] = startsPrograms
    ? ["No PrivateDevices: a skill may use a device that the user's groups open."]
    : [["PrivateDevices", "yes"]];
  const hiding: readonly UnitLine[] =
    hidden.length === 0 ? [] : [["InaccessiblePaths", hidden.map((dir) => `-${quotedWord(dir)}`).join(" ")]];
  return [
    ...EVERYWHERE,
    ...SYSTEM_ONLY,
    ...devices,
    ["PrivateTmp", usesTmp ? "no" : "yes"],
    ["ProtectHome", usesHome ? "read-only" : "yes"],
    ["ReadWritePaths", quotedWord(stateDir)],
    ...hiding,
  ];
}
