import { formatEventRef, MeshError } from "@adaos/core";
import type { DataClass } from "@adaos/core/wire";
import { CLEARANCE, type EventAddress, type KnownEvent } from "@adaos/core/wire";

type Event = Pick<EventAddress, "name" | "version">;

/**
 * Decides which subnets may receive classified events, by the registry in force and by the files in its folder. The
 * compiled policy contains the same rule for its own registry. Events classified since must not cross either, even
 * before the new registry is in force.
 */
export class Clearance {
  readonly #subnets: ReadonlyMap<string, readonly DataClass[]>;
  readonly #events: () => readonly KnownEvent[];
  readonly #regions: () => readonly (readonly DataClass[])[];
  #read: readonly KnownEvent[] | undefined;
  /** Classes by `name@version`; only classified events. */
  #classes: ReadonlyMap<string, readonly DataClass[]> = new Map();

  /**
   * @param subnets The clearance of each subnet. It may change.
   * @param events The classified events; a new list after each change. For an event that is in it twice, both count.
   * @param regions The clearance of each other region.
   */
  constructor(
    subnets: ReadonlyMap<string, readonly DataClass[]>,
    events: () => readonly KnownEvent[],
    regions: () => readonly (readonly DataClass[])[] = () => [],
  ) {
    this.#subnets = subnets;
    this.#events = events;
    this.#regions = regions;
  }

  /** Throws `denied` when a subnet may not receive an event. */
  assertMayHave(subnet: string, event: Event): void {
    const classes = this.#classesOf(event);
    if (classes === undefined || this.#isCleared(subnet, classes)) return;
    throw denied(event, classes, `${subnet} is not cleared for it`);
  }

  /** Throws `denied` when no other subnet may receive an event of this subnet. */
  assertMayLeave(subnet: string, event: Event): void {
    const classes = this.#classesOf(event);
    if (classes === undefined) return;
    for (const other of this.#subnets.keys()) if (other !== subnet && this.#isCleared(other, classes)) return;
    for (const cleared of this.#regions()) if (covers(cleared, classes)) return;
    throw denied(event, classes, "no other subnet is cleared for it");
  }

  /** Throws `denied` when no subnet may receive an event of another region. */
  assertMayEnter(event: Event): void {
    const classes = this.#classesOf(event);
    if (classes === undefined) return;
    for (const subnet of this.#subnets.keys()) if (this.#isCleared(subnet, classes)) return;
    throw denied(event, classes, "no subnet is cleared for it");
  }

  #isCleared(subnet: string, classes: readonly DataClass[]): boolean {
    return covers(this.#subnets.get(subnet) ?? [], classes);
  }

  #classesOf({ name, version }: Event): readonly DataClass[] | undefined {
    const events = this.#events();
    if (events !== this.#read) {
      this.#read = events;
      this.#classes = classesOf(events);
    }
    return this.#classes.size === 0 ? undefined : this.#classes.get(formatEventRef(name, version));
  }
}

function covers(cleared: readonly DataClass[], classes: readonly DataClass[]): boolean {
  return classes.every((one) => cleared.includes(one));
}

function classesOf(events: readonly KnownEvent[]): ReadonlyMap<string, readonly DataClass[]> {
  const byRef = new Map<string, readonly DataClass[]>();
  for (const { name, version, classes = [] } of events) {
    if (classes.length === 0) continue;
    const ref = formatEventRef(name, version);
    byRef.set(ref, [...new Set([...(byRef.get(ref) ?? []), ...classes])]);
  }
  return byRef;
}

function denied({ name, version }: Event, classes: readonly DataClass[], why: string): MeshError {
  const message = `${formatEventRef(name, version)} holds what is ${classes.join(" and ")}, and ${why}`;
  return new MeshError("denied", message, { rule: CLEARANCE });
}
