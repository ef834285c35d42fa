import { type Logger, MeshError, type Message, newEventId } from "@adaos/core";
import { daemonMessage, type Signatures } from "@adaos/core/wire";
import { lostCount, type StoreDamage } from "./store-damage.ts";

/** The event that reports damage. */
const STORE_DAMAGED = "mesh.store.damaged";

/** A subnet in whose stream damage is reported. */
export interface DamageAudience {
  readonly subnet: string;
  readonly tenant: string;
}

export interface DamageEventsOptions {
  /** `hub` or `root`. */
  readonly node: string;
  /** The subnets that exist now. */
  readonly audiences: () => readonly DamageAudience[];
  readonly signatures: Signatures;
  /** Keeps unreported damage, so that it survives the daemon. */
  readonly kept: {
    readonly open: ReadonlyMap<string, string>;
    setOpen(name: string, value: string | undefined): void;
  };
  readonly publish: (subnet: string, message: Message) => Promise<unknown>;
  readonly log: Logger;
}

/** Unreported damage of one subnet. */
interface Untold {
  readonly id: string;
  readonly data: object;
}

/** The streams from which lost messages can be restored. */
export type RefilledBy = "root" | "hubs" | "nobody";

const PREFIX = "tell ";
const AGAIN_MS = 5000;
/** Most unreported damages, counted for each subnet. */
const MAX_UNTOLD = 1000;
const MAX_DURABLES = 50;

/**
 * Reports each damage once, by the event `mesh.store.damaged@1`. The event keeps its id until it is stored, so that a
 * second report after a crash stores nothing twice.
 */
export class DamageEvents {
  readonly name = "damages";
  readonly #options: DamageEventsOptions;
  readonly #telling = new Map<string, Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #isStarted = false;

  constructor(options: DamageEventsOptions) {
    this.#options = options;
  }

  /** Reports what an earlier daemon could not, and from now on each new damage. */
  async start(): Promise<void> {
    this.#isStarted = true;
    this.#tell();
  }

  /** The next daemon reports what is unreported by now. */
  async stop(): Promise<void> {
    this.#isStarted = false;
    clearTimeout(this.#timer);
    await Promise.all(this.#telling.values());
  }

  health(): { readonly ready: boolean; readonly details: { readonly untold: number } } {
    return { ready: true, details: { untold: this.#names().length } };
  }

  note(damage: StoreDamage, refilledBy: RefilledBy): void {
    const { node, audiences, kept, log } = this.#options;
    const all = audiences();
    // In a stream that several tenants share, no tenant learns how much the others publish.
    const isShared = new Set(all.map(({ tenant }) => tenant)).size > 1;
    for (const { subnet } of all) {
      const id = newEventId(Date.now());
      const address = node === "root" ? node : `${subnet}/${node}`;
      const untold: Untold = { id, data: dataOf(damage, address, refilledBy, !isShared) };
      if (this.#names().length < MAX_UNTOLD) kept.setOpen(`${PREFIX}${subnet} ${id}`, JSON.stringify(untold));
      else log.error({ subnet, ...untold }, "damage not reported: too many wait");
    }
    this.#tell();
  }

  #names(): string[] {
    return [...this.#options.kept.open.keys()].filter((name) => name.startsWith(PREFIX));
  }

  #tell(): void {
    if (!this.#isStarted) return;
    for (const name of this.#names()) {
      if (this.#telling.has(name)) continue;
      const telling = this.#tellOne(name).finally(() => this.#telling.delete(name));
      this.#telling.set(name, telling);
    }
  }

  /** Never rejects: a report that cannot be stored is tried again later. */
  async #tellOne(name: string): Promise<void> {
    const { kept, audiences, publish, log } = this.#options;
    const subnet = name.split(" ")[1] ?? "";
    const audience = audiences().find((one) => one.subnet === subnet);
    const text = kept.open.get(name);
    try {
      if (audience !== undefined && text !== undefined)
        await publish(subnet, this.#message(audience, JSON.parse(text) as Untold));
      kept.setOpen(name, undefined);
    } catch (thrown) {
      const error = MeshError.from(thrown, "internal", "damage not reported");
      const mayPass =
        error.code === "unavailable" || error.code === "timeout" || error.code === "backpressure";
      log.warn({ subnet, err: error, isTriedAgain: mayPass }, "damage not reported");
      if (!mayPass) return kept.setOpen(name, undefined);
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#tell(), AGAIN_MS);
      this.#timer.unref();
    }
  }

  #message({ subnet, tenant }: DamageAudience, { id, data }: Untold): Message {
    const { node, signatures } = this.#options;
    return daemonMessage(
      { address: { subnet, node }, tenant, signatures },
      { id, name: STORE_DAMAGED, data },
    );
  }
}

function dataOf(
  { stream, kind, foundAt, lost, durablesAnew }: StoreDamage,
  node: string,
  refilledBy: RefilledBy,
  hasPlaces: boolean,
): object {
  const places = {
    lost: lostCount(lost),
    first_seq: Math.min(...lost.map(({ from }) => from)),
    last_seq: Math.max(...lost.map(({ to }) => to)),
  };
  const told = hasPlaces ? (lost.length === 0 ? { lost: 0 } : places) : {};
  const durables = hasPlaces ? { durables: durablesAnew.slice(0, MAX_DURABLES) } : {};
  return { node, stream, kind, found_at: foundAt, ...told, ...durables, refilled_by: refilledBy };
}
