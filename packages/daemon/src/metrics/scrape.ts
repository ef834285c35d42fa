import type { Logger } from "@adaos/core";
import {
  answerScrape,
  type Exposition,
  type Family,
  type Figure,
  figureFamilies,
  mergeFamilies,
  messageOf,
  within,
} from "@adaos/core/wire";

import type { NodeStatus } from "../status-server.ts";
import { ownSources, statusFigures } from "./node-figures.ts";

/** A source of figures that have to be asked for. */
export interface MetricSource {
  readonly name: string;
  /** Called at a scrape, and never while an earlier call has not finished. */
  read(): Promise<readonly Family[]>;
}

export interface ScrapeOptions {
  readonly status: () => NodeStatus;
  /** Figures that are known without asking. */
  readonly figures: () => readonly Figure[];
  /** @default only the sources that every node has */
  readonly sources?: readonly MetricSource[];
  /** Certificate files of the node and of the server beside it, whose end dates are reported. */
  readonly certificates?: readonly string[];
  readonly log?: Logger;
  /** Longest wait for a source. @default 4000 */
  readonly sourceMs?: number;
}

/** A collector that scrapes more often gets the same answer again. */
const FRESH_MS = 1000;
/** Below the ten seconds after which Prometheus gives up. */
const SOURCE_MS = 4000;

interface Asked {
  readonly source: MetricSource;
  readonly families: readonly Family[] | undefined;
  readonly tookMs: number;
}

/** Gathers a node's metrics at the moment of a scrape. */
export class Scrape {
  readonly #options: ScrapeOptions;
  readonly #sources: readonly MetricSource[];
  readonly #pending = new Map<string, Promise<readonly Family[]>>();
  #gathered: Promise<readonly Family[]> | undefined;
  #gatheredMs = 0;

  constructor(options: ScrapeOptions) {
    this.#options = options;
    this.#sources = [...ownSources(options.certificates), ...(options.sources ?? [])];
  }

  /** @param accept Header of the request that chooses the format. A source that fails causes no rejection. */
  async answer(accept: string | undefined): Promise<Exposition> {
    const nowMs = performance.now();
    if (this.#gathered === undefined || nowMs - this.#gatheredMs >= FRESH_MS) {
      this.#gatheredMs = nowMs;
      this.#gathered = this.#gather();
    }
    return answerScrape(await this.#gathered, accept);
  }

  async #gather(): Promise<readonly Family[]> {
    const asked = await Promise.all(this.#sources.map((source) => this.#ask(source)));
    const own: readonly Figure[] = [
      ...statusFigures(this.#options.status()),
      ...this.#options.figures(),
      ...asked.flatMap(({ source: { name }, families, tookMs }): Figure[] => [
        { metric: "sourceReady", labels: [name], value: families === undefined ? 0 : 1 },
        { metric: "sourceSeconds", labels: [name], value: tookMs / 1000 },
      ]),
    ];
    return mergeFamilies([...figureFamilies(own), ...asked.flatMap(({ families = [] }) => families)]);
  }

  async #ask(source: MetricSource): Promise<Asked> {
    const startMs = performance.now();
    const { name } = source;
    try {
      const reading = this.#pending.get(name) ?? this.#begin(source);
      const families = await within(reading, this.#options.sourceMs ?? SOURCE_MS);
      return { source, families, tookMs: performance.now() - startMs };
    } catch (thrown) {
      this.#options.log?.debug({ source: name, reason: messageOf(thrown) }, "metrics not read");
      return { source, families: undefined, tookMs: performance.now() - startMs };
    }
  }

  #begin(source: MetricSource): Promise<readonly Family[]> {
    const reading = source.read().finally(() => this.#pending.delete(source.name));
    this.#pending.set(source.name, reading);
    return reading;
  }
}
