import type { MemberFile } from "@adaos/config";
import type { Bus, Logger, Policy } from "@adaos/core";
import { counted, type Documents, type Figure, messageOf, REAL_CLOCK } from "@adaos/core/wire";
import type { Part, PartHealth } from "@adaos/daemon";
import type { LiveRegistry } from "@adaos/registry";
import type { BrokenScenario, ScenarioFiles, ScenarioHost } from "@adaos/skills";

export interface MemberScenariosOptions {
  readonly bus: Bus;
  readonly documents: Documents;
  readonly registry: LiveRegistry;
  readonly policy: Policy;
  /** A path of the node file, made absolute. */
  readonly path: (path: string) => string;
  readonly log: Logger;
}

const LOOK_MS = 2000;
const MAX_NOTES = 5;
/** Scenarios with errors, and other problems, that its status tells. */
const MAX_BROKEN = 50;

/** Runs the scenarios that the mesh file names for the member, and follows their files. */
export class MemberScenarios implements Part {
  readonly name = "scenarios";
  readonly #options: MemberScenariosOptions;
  #declared: readonly string[];
  #files: ScenarioFiles | undefined;
  #host: ScenarioHost | undefined;
  #errors: readonly string[] = [];
  #broken: readonly BrokenScenario[] = [];
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #isStopped = false;
  #checked = "";
  #unlisten: (() => void) | undefined;
  #registryChanges = 0;

  constructor(declared: MemberFile["scenarios"], options: MemberScenariosOptions) {
    this.#declared = declared ?? [];
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#unlisten = this.#options.registry.onChange(() => {
      this.#registryChanges++;
    });
    this.#follow();
  }

  /** Takes the scenarios of a new version of the node file. */
  replace(declared: MemberFile["scenarios"]): void {
    if (JSON.stringify(declared ?? []) === JSON.stringify(this.#declared)) return;
    this.#declared = declared ?? [];
    this.#files = undefined;
    this.#follow();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    this.#unlisten?.();
    await this.#looking;
    await this.#host?.stop();
  }

  /** The node stays ready whatever its scenarios do. */
  health(): PartHealth {
    const standings = this.#host?.standings ?? [];
    const refusal = this.#host?.commandRefusal;
    const notes = [
      ...this.#errors,
      ...standings.flatMap(({ name, trouble }) =>
        trouble === undefined ? [] : [`scenario ${name}: ${trouble}`],
      ),
    ];
    const told = new Set(this.#broken.flatMap(({ errors }) => errors));
    const rest = notes.length > MAX_NOTES ? `; and ${counted(notes.length - MAX_NOTES, "problem")} more` : "";
    return {
      ready: true,
      ...(notes.length === 0 ? {} : { note: `${notes.slice(0, MAX_NOTES).join("; ")}${rest}` }),
      details: {
        scenarios: standings,
        broken: this.#broken.slice(0, MAX_BROKEN),
        problems: this.#errors.filter((error) => !told.has(error)).slice(0, MAX_BROKEN),
        ...(refusal === undefined ? {} : { "scenario.run": refusal }),
      },
    };
  }

  figures(): readonly Figure[] {
    return (this.#host?.runners ?? []).flatMap(({ scenario: { name }, state, counts }): Figure[] => [
      { metric: "scenarioActive", labels: [name], value: state?.triggers.active.length ?? 0 },
      ...[...counts.outcomes].map(
        ([outcome, value]): Figure => ({ metric: "scenarioRuns", labels: [name, outcome], value }),
      ),
      ...[...counts.skips].map(
        ([cause, value]): Figure => ({ metric: "scenarioSkips", labels: [name, cause], value }),
      ),
    ]);
  }

  #follow(): void {
    clearInterval(this.#timer);
    // The engine is not even loaded where there is no scenario.
    if (this.#declared.length === 0 && this.#host === undefined) return;
    this.#lookSoon();
    this.#timer = setInterval(() => this.#lookSoon(), LOOK_MS);
  }

  #lookSoon(): void {
    this.#looking = this.#looking
      .then(() => this.#look())
      .catch((err: unknown) => {
        this.#errors = [messageOf(err)];
        this.#options.log.error({ err }, "scenarios not read");
      });
  }

  async #look(): Promise<void> {
    if (this.#isStopped) return;
    const { bus, documents, registry, policy, path, log } = this.#options;
    const { ScenarioFiles: Files, ScenarioHost: Host } = await import("@adaos/skills");
    this.#files ??= new Files(this.#declared.map(path));
    const checked = `${policy.revision} ${this.#registryChanges}`;
    const context = { registry: registry.merged, rights: { policy, as: bus.address } };
    const found = this.#files.look(context, checked !== this.#checked);
    this.#checked = checked;
    if (found === undefined) return;
    this.#errors = found.errors;
    this.#broken = found.broken;
    for (const problem of found.errors) log.error({ problem }, "scenario not taken");
    for (const problem of found.warnings) log.warn({ problem }, "scenario has a weak point");
    if (this.#host === undefined) {
      this.#host = new Host({ bus, documents, clock: REAL_CLOCK, log });
      this.#host.start();
    }
    await this.#host.replace(found.scenarios);
  }
}
