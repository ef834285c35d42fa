import type { Bus } from "@adaos/client";
import { expect } from "vitest";
import type { HandlerCase } from "./why-handlers.ts";
import type { WhyCase } from "./why-scene.ts";

/* The mesh of the hundred cases of `adaos why`, and the words in which they are written. */

export const YAML = `mesh: why
registry: ../schemas/events
streams: { maxBytes: 4194304 }
subnets:
  alpha:
    export: [nlp., ui., scenario.]
    import: [ui.]
    members:
      kitchen: { publish: [nlp., ui., scenario., repo., timer.], subscribe: [ui., timer.] }
      speaker: { publish: [ui.], subscribe: [nlp., ui., repo.] }
  beta:
    export: [ui., scenario.]
    import: [nlp., ui., scenario.]
    members:
      desk: { publish: [ui., scenario.], subscribe: [nlp., ui.] }
      lamp: { publish: [ui.], subscribe: [ui.] }
  gamma:
    export: [ui.]
    signatures: { sign: k1 }
    members:
      porch: { publish: [ui., nlp.], subscribe: [ui.] }
policy:
  - { id: no-runs-out, deny: export, events: scenario.run }
  - { id: no-talk, deny: import, events: nlp., subnet: beta, from: { subnet: alpha } }
  - { id: quiet-lamp, deny: publish, events: scenario., member: lamp }
`;
export const INTENT = { intent: "lights.on", slots: {}, locale: "en" };
export const DAY_MS = 86_400_000;
export const NOTE = "ui.notify --from alpha/kitchen --to";

/** Texts that hold another. */
export const holding = (text: string): string => expect.stringContaining(text);
/** That a rule of the file has decided, and where it stands. */
export const rule = (id: string): { by: string; place: string } => {
  const line = YAML.split("\n").findIndex((text) => text.includes(`id: ${id}`)) + 1;
  return { by: id, place: holding(`mesh.yaml:${line}`) };
};
export const NO_RULE = { by: "default-deny" };
export const now = (): string => new Date().toISOString();

/** A case for each durable. */
export function casesAt(
  member: string,
  handlers: readonly HandlerCase[],
  args: string,
  way: string,
): WhyCase[] {
  return handlers.map(({ durable, verdict, by }) => {
    const to = `${member}/${durable}`;
    return [
      `${way}: ${to}`,
      args,
      `${verdict} @ ${to}`,
      { hop: to, ...(by === undefined ? {} : { by: holding(by) }) },
    ];
  });
}

export async function subscribe(bus: Bus, handlers: readonly HandlerCase[]): Promise<void> {
  for (const { durable, options, handle } of handlers)
    await bus.subscribe("ui.notify", { durable, ...options }, handle);
}
