import { certificateFigures, configErrors, type Part, type PartHealth } from "@adaos/daemon";
import { damageNote, type StoreDamage } from "@adaos/transport-nats";
import type { Sample } from "../judge/alert.ts";
import { configSample } from "./beside.ts";
import { type SampleSource, sampleOf } from "./gather.ts";

/** The facts that a daemon knows of itself without asking another process. */
export interface OwnSourceOptions {
  /** `alpha/hub`, `root`. */
  readonly daemon: string;
  readonly parts: () => readonly Part[];
  readonly damages: () => readonly StoreDamage[];
  readonly certificates: readonly string[];
}

/** The sources that every judge has: its parts, its store, its certificates. */
export function ownSources({
  daemon,
  parts,
  damages,
  certificates,
}: OwnSourceOptions): readonly SampleSource[] {
  return [
    {
      name: "parts",
      metrics: [],
      read: () => [
        ...parts()
          .flatMap((part) => part.figures?.() ?? [])
          .map(sampleOf),
        configSample(daemon, configErrors(healthOf(parts()))),
        ...damageSamples(damages()),
      ],
    },
    {
      name: "certificates",
      metrics: ["certificateEnd"],
      read: async () => (await certificateFigures(certificates)).map(sampleOf),
    },
  ];
}

function healthOf(parts: readonly Part[]): Record<string, PartHealth> {
  return Object.fromEntries(parts.map((part) => [part.name, part.health()]));
}

/** The newest damage of each stream. */
function damageSamples(damages: readonly StoreDamage[]): Sample[] {
  const newest = new Map(damages.map((damage) => [damage.stream, damage]));
  return [...newest].map(([stream, damage]): Sample => {
    const value = Date.parse(damage.foundAt) / 1000;
    return { metric: "storeDamaged", labels: { stream }, value, cause: damageNote([damage]) };
  });
}
