import { type DaemonEvent, daemonEventId, every } from "@adaos/core/wire";
import { type LinkChange, LinkReports, type LinkState } from "./link-reports.ts";

export interface LinkEventsOptions {
  /** The links that this daemon reports now. */
  readonly states: () => readonly LinkState[];
  /** Publishes an event in the stream of a subnet. */
  readonly add: (subnet: string, event: DaemonEvent) => void;
}

const LOOK_MS = 1000;
const MAX_REASON = 500;

/** Reports by `mesh.link.up@1` and `mesh.link.down@1`, in the subnet of the link, that its state has changed. */
export class LinkEvents {
  readonly #options: LinkEventsOptions;
  readonly #reports = new LinkReports();
  readonly #stop: () => void;

  constructor(options: LinkEventsOptions) {
    this.#options = options;
    this.#stop = every(LOOK_MS, () => this.#look());
  }

  stop(): void {
    this.#stop();
  }

  #look(): void {
    const { states, add } = this.#options;
    const nowMs = performance.now();
    for (const change of this.#reports.look(states(), nowMs))
      add(change.subnet, linkEvent(change, Date.now() - (nowMs - change.sinceMs)));
  }
}

/** @param sinceMs When the state began, milliseconds since the epoch. */
export function linkEvent({ subnet, direction, trouble, waiting }: LinkChange, sinceMs: number): DaemonEvent {
  const at = Math.round(sinceMs);
  const name = trouble === undefined ? "mesh.link.up" : "mesh.link.down";
  const data =
    trouble === undefined
      ? { subnet, direction, waiting }
      : { subnet, direction, reason: trouble.slice(0, MAX_REASON), since: new Date(at).toISOString() };
  return { id: daemonEventId(at, name, subnet, direction, at), name, data };
}
