import type { MemberFile } from "@adaos/config";
import type { Logger } from "@adaos/core";
import { type Figure, messageOf } from "@adaos/core/wire";
import type { Part, PartHealth } from "@adaos/daemon";
import { HEALTH_STATUSES, type Probe, type ProbeHealth, type ProbeOptions } from "@adaos/probes";
import { summaryOf } from "./notes.ts";

/** The used part of a member's bus. */
interface Prober {
  readonly probes: readonly ProbeHealth[];
  probe(name: string, options: ProbeOptions): Promise<Probe>;
}

type Declared = MemberFile["probes"];

/** Runs the probes that the mesh file declares for the member, and follows its changes. */
export class MemberProbes implements Part {
  readonly name = "probes";
  readonly #bus: Prober;
  readonly #log: Logger;
  readonly #running = new Map<string, { readonly declared: string; readonly probe: Probe }>();
  readonly #problems = new Map<string, string>();
  #declared: Declared;
  #following: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(bus: Prober, declared: Declared, log: Logger) {
    this.#bus = bus;
    this.#declared = declared;
    this.#log = log;
  }

  async start(): Promise<void> {
    this.#follow();
  }

  /** Takes the probes of a new version of the node file. */
  replace(declared: Declared): void {
    this.#declared = declared;
    this.#follow();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#running.values()].map(({ probe }) => probe.stop()));
    await this.#following;
  }

  /** The node stays ready, whatever the state of its probes. */
  health(): PartHealth {
    const probes = this.#bus.probes;
    const ill = probes.filter(({ requires_alert }) => requires_alert);
    const silent = probes.filter(({ unpublished }) => unpublished !== null);
    const notes = [
      ...this.#problems.values(),
      ...ill.map(({ probe, status }) => `probe ${probe} is ${status}`),
      ...silent.map(({ probe, unpublished }) => `events of probe ${probe} are not published: ${unpublished}`),
    ];
    const problems = Object.fromEntries(this.#problems);
    return {
      ready: true,
      ...(notes.length === 0 ? {} : { note: summaryOf(notes) }),
      details: { probes, problems },
    };
  }

  figures(): readonly Figure[] {
    return this.#bus.probes.flatMap(figuresOf);
  }

  #follow(): void {
    this.#following = this.#following.then(() => this.#takeUp());
  }

  /** A missing driver or a slow first check delays no other probe. */
  async #takeUp(): Promise<void> {
    const declared = this.#declared ?? {};
    for (const [name, { declared: was, probe }] of this.#running) {
      const is = declared[name];
      if (is !== undefined && JSON.stringify(is) === was) continue;
      await probe.stop();
      this.#running.delete(name);
    }
    this.#problems.clear();
    await Promise.all(Object.entries(declared).map(([name, options]) => this.#begin(name, options)));
  }

  async #begin(name: string, options: ProbeOptions): Promise<void> {
    if (this.#isStopped || this.#running.has(name)) return;
    try {
      const probe = await this.#bus.probe(name, options);
      this.#running.set(name, { declared: JSON.stringify(options), probe });
      if (this.#isStopped) await probe.stop();
    } catch (thrown) {
      const reason = messageOf(thrown);
      this.#problems.set(name, reason);
      this.#log.error({ probe: name, reason }, "probe not started");
    }
  }
}

function figuresOf(health: ProbeHealth): readonly Figure[] {
  const labels = [health.probe, health.environment, health.database_type];
  if (health.status === null) return [];
  return [
    { metric: "probeConnected", labels, value: health.connection === "established" ? 1 : 0 },
    { metric: "probeLatency", labels, value: (health.latency_ms ?? 0) / 1000 },
    ...HEALTH_STATUSES.map((status): Figure => {
      return { metric: "probeStatus", labels: [...labels, status], value: status === health.status ? 1 : 0 };
    }),
  ];
}
