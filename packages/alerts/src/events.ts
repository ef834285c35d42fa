import type { Message } from "@adaos/core";
import { daemonMessage, type Signatures } from "@adaos/core/wire";
import type { AlertRecord } from "./record.ts";

const ALERT_RAISED = "mesh.alert.raised";
const ALERT_CLEARED = "mesh.alert.cleared";

/** A subnet whose stream gets alerts as events. */
export interface AlertAudience {
  readonly subnet: string;
  readonly tenant: string;
}

/**
 * Whether a subnet gets an alert of the root: its own alerts, and the mesh's where all subnets are of one tenant. Pure.
 */
export function isMeantFor(
  { alert: { labels, node } }: AlertRecord,
  subnet: string,
  audiences: readonly AlertAudience[],
): boolean {
  if (/\/hub(-\d)?$/.test(node)) return true;
  const { subnet: concerned } = labels;
  if (concerned !== undefined) return concerned === subnet;
  return new Set(audiences.map(({ tenant }) => tenant)).size === 1;
}

/** The event that reports a change. Throws as {@link daemonMessage} does. */
export function alertEvent(
  { change, event_id: id, at, alert }: AlertRecord,
  publisher: { readonly audience: AlertAudience; readonly node: string; readonly signatures: Signatures },
): Message {
  const { audience, node, signatures } = publisher;
  const { cause, look, ...same } = alert;
  const data = change === "cleared" ? { ...same, cleared_at: at } : { ...same, cause, look };
  const name = change === "cleared" ? ALERT_CLEARED : ALERT_RAISED;
  const { subnet, tenant } = audience;
  return daemonMessage({ address: { subnet, node }, tenant, signatures }, { id, name, data });
}
