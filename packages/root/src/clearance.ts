import { CLEARANCE, type DataClass, type EventAddress, formatEventRef, MeshError } from "@adaos/core";
import type { RegistryBundle } from "@adaos/registry";

type Event = Pick<EventAddress, "name" | "version">;

/**
 * Which subnets may have what the registry classifies, by the registry as it is now. The compiled policy says the same of
 * the registry that it was compiled with; what has been classified since must not cross either.
 */
export class Clearance {
  readonly #subnets: ReadonlyMap<string, readonly DataClass[]>;
  readonly #bundle: () => RegistryBundle | undefined;
  #read: RegistryBundle | undefined;
  /** By `name@version`; only what is classified. */
  #classes: ReadonlyMap<string, readonly DataClass[]> = new Map();

  /**
   * @param subnets What each subnet is cleared for. It may change.
   * @param bundle The registry; nothing is classified without one.
   */
  constructor(subnets: ReadonlyMap<string, readonly DataClass[]>, bundle: () => RegistryBundle | undefined) {
    this.#subnets = subnets;
    this.#bundle = bundle;
  }

  /** Throws `denied` where a subnet may not have an event. */
  assertMayHave(subnet: string, event: Event): void {
    const classes = this.#classesOf(event);
    if (classes === undefined || this.#isCleared(subnet, classes)) return;
    throw denied(event, classes, `${subnet} is not cleared for it`);
  }

  /** Throws `denied` where no other subnet may have an event of this one. */
  assertMayLeave(subnet: string, event: Event): void {
    const classes = this.#classesOf(event);
    if (classes === undefined) return;
    for (const other of this.#subnets.keys()) if (other !== subnet && this.#isCleared(other, classes)) return;
    throw denied(event, classes, "no other subnet is cleared for it");
  }

  #isCleared(subnet: string, classes: readonly DataClass[]): boolean {
    const cleared = this.#subnets.get(subnet) ?? [];
    return classes.every((one) => cleared.includes(one));
  }

  #classesOf({ name, version }: Event): readonly DataClass[] | undefined {
    const bundle = this.#bundle();
    if (bundle !== this.#read) {
      this.#read = bundle;
      this.#classes = new Map(
        (bundle?.registry.events ?? []).flatMap(({ classes = [], ...event }) =>
          classes.length === 0 ? [] : [[formatEventRef(event.name, event.version), classes] as const],
        ),
      );
    }
    return this.#classes.size === 0 ? undefined : this.#classes.get(formatEventRef(name, version));
  }
}

function denied({ name, version }: Event, classes: readonly DataClass[], why: string): MeshError {
  const told = `${formatEventRef(name, version)} holds what is ${classes.join(" and ")}, and ${why}`;
  return new MeshError("denied", told, { rule: CLEARANCE });
}
