import type { Check } from "./check.ts";
import { certificates } from "./checks/certificates.ts";
import { clocks } from "./checks/clocks.ts";
import { configFiles } from "./checks/config-files.ts";
import { disks } from "./checks/disks.ts";
import { durables } from "./checks/durables.ts";
import { links } from "./checks/links.ts";
import { outboxes } from "./checks/outboxes.ts";
import { policy } from "./checks/policy.ts";
import { ports } from "./checks/ports.ts";
import { processes } from "./checks/processes.ts";
import { registry } from "./checks/registry.ts";
import { rights } from "./checks/rights.ts";
import { servers } from "./checks/servers.ts";
import { stores } from "./checks/stores.ts";
import { versions } from "./checks/versions.ts";

/** Every check, in the order of a report. */
export const CHECKS: readonly Check[] = [
  { group: "processes", look: processes },
  { group: "servers", look: servers },
  { group: "versions", look: versions },
  { group: "config", look: configFiles },
  { group: "ports", look: ports },
  { group: "disks", look: disks },
  { group: "clocks", look: clocks },
  { group: "certificates", look: certificates },
  { group: "rights", look: rights },
  { group: "registry", look: registry },
  { group: "policy", isHeavy: true, look: policy },
  { group: "links", look: links },
  { group: "outboxes", look: outboxes },
  { group: "durables", look: durables },
  { group: "stores", look: stores },
];

/** The names of the groups in a report. */
export const CHECK_GROUPS: readonly string[] = CHECKS.map(({ group }) => group);
