import type { ComponentHealth } from "./health.ts";

/** A link at one root daemon. */
export interface LinkCarrier {
  readonly root: string;
  readonly health: ComponentHealth;
}

/**
 * The states of a link at each root daemon of this machine. With one daemon, its name is not in the link's. Pure.
 * @param name `up alpha`, `region east`
 */
export function linkCarriers(components: readonly ComponentHealth[], name: string): LinkCarrier[] {
  return components.flatMap((component) => {
    if (component.kind !== "link") return [];
    const [, link, root = "root"] = /^(.+?)(?: \((.+)\))?$/.exec(component.name) ?? [];
    return link === name ? [{ root, health: component }] : [];
  });
}
