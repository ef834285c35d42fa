import type { Logger } from "@adaos/core";
import { type Figure, messageOf, NODE_METRICS, within } from "@adaos/core/wire";
import type { Sample } from "../judge/alert.ts";

/** Where figures come from that are judged. */
export interface SampleSource {
  readonly name: string;
  /** The metrics that it reports. While it does not answer, no alert on them counts as over. */
  readonly metrics: readonly Sample["metric"][];
  read(): Promise<readonly Sample[]> | readonly Sample[];
}

interface Gathered {
  readonly samples: readonly Sample[];
  readonly unknown: ReadonlySet<Sample["metric"]>;
}

const SOURCE_MS = 4000;

/** Asks sources, none of them again while it has not answered before. */
export class SampleSources {
  readonly #sources: readonly SampleSource[];
  readonly #log: Logger;
  readonly #pending = new Map<string, Promise<readonly Sample[]>>();

  constructor(sources: readonly SampleSource[], log: Logger) {
    this.#sources = sources;
    this.#log = log;
  }

  /** Never rejects: what does not answer is unknown. */
  async gather(): Promise<Gathered> {
    const unknown = new Set<Sample["metric"]>();
    const all = await Promise.all(
      this.#sources.map(async (source) => {
        const samples = await this.#ask(source);
        if (samples === undefined) for (const metric of source.metrics) unknown.add(metric);
        return samples ?? [];
      }),
    );
    return { samples: all.flat(), unknown };
  }

  async #ask({ name, read }: SampleSource): Promise<readonly Sample[] | undefined> {
    try {
      const asked =
        this.#pending.get(name) ?? Promise.resolve(read()).finally(() => this.#pending.delete(name));
      this.#pending.set(name, asked);
      return await within(asked, SOURCE_MS);
    } catch (thrown) {
      this.#log.debug({ source: name, reason: messageOf(thrown) }, "figures not read");
      return undefined;
    }
  }
}

/** A figure with its labels by name. Pure. */
export function sampleOf({ metric, labels = [], value, cause }: Figure): Sample {
  const names = NODE_METRICS[metric].labels;
  return {
    metric,
    labels: Object.fromEntries(names.map((name, i) => [name, labels[i] ?? ""])),
    value,
    cause,
  };
}
