import type { MemberFile } from "@adaos/config";
import { type Logger, MeshError, Policy, parseEventPattern, type SchemaRegistry } from "@adaos/core";
import { type Figure, messageOf } from "@adaos/core/wire";
import type { Part, PartHealth } from "@adaos/daemon";
import { InstallService, nodeRuntime, type SkillBus, SkillSet, type SkillStatus } from "@adaos/skills";
import { summaryOf } from "./notes.ts";

type Declared = MemberFile["skills"];

export interface MemberSkillsOptions {
  readonly bus: SkillBus;
  readonly config: Pick<MemberFile, "skills" | "policy" | "subnet" | "node">;
  readonly log: Logger;
  /** Resolves a path of the node file. */
  path(path: string): string;
  readonly registry: SchemaRegistry;
}

/** Runs the skills of the member, each in a process of its own, and follows its node file and their files. */
export class SkillsPart implements Part {
  readonly name = "skills";
  readonly #options: MemberSkillsOptions;
  readonly #policy: Policy;
  readonly #set: SkillSet | undefined;
  readonly #installs: InstallService | undefined;
  readonly #stop = new AbortController();
  #sources: readonly string[];
  #installing: Promise<void> = Promise.resolve();
  #installProblem: string | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: MemberSkillsOptions) {
    this.#options = options;
    const { config, bus, log, registry } = options;
    this.#policy = new Policy(config.policy);
    this.#set =
      config.skills === undefined
        ? undefined
        : new SkillSet(declaredOf(config.skills, options), {
            dir: options.path(config.skills.dir),
            port: {
              bus,
              log,
              newest: (name) => newestOf(registry, name),
              runtime: nodeRuntime(),
              policyProblem: (verb, pattern) => this.#policyProblem(verb, pattern),
            },
          });
    this.#sources = sourcesOf(config.skills, options);
    this.#installs =
      this.#set === undefined
        ? undefined
        : new InstallService({ bus, skills: this.#set, log, sources: () => this.#sources });
  }

  /** Listens to commands where the operator has allowed folders, and to none otherwise. */
  #followSources(): void {
    const isWanted = this.#sources.length > 0;
    this.#installing = this.#installing.then(async () => {
      try {
        this.#installProblem = undefined;
        if (isWanted) await this.#listen();
        else await this.#installs?.stop();
      } catch (err) {
        this.#installProblem = `no skill can be installed: ${messageOf(err)}`;
        this.#options.log.warn({ err }, "installs of skills not possible");
      }
    });
  }

  /** A subscribe may wait for a hub that is away; the stop of the daemon does not wait for it. */
  async #listen(): Promise<void> {
    const { signal } = this.#stop;
    const stopped = new Promise<void>((resolve) =>
      signal.addEventListener("abort", () => resolve(), { once: true }),
    );
    if (!signal.aborted) await Promise.race([this.#installs?.start(), stopped]);
  }

  async start(signal: AbortSignal): Promise<void> {
    // The bus is closed at the same time, and waits for handlers that only the end of their process ends.
    signal.addEventListener("abort", () => void this.stop(), { once: true });
    this.#set?.start();
    this.#followSources();
  }

  /** Takes the skills and the policy of a new version of the node file. */
  replace({ skills, policy }: Pick<MemberFile, "skills" | "policy">): void {
    this.#policy.replace(policy);
    this.#set?.follow(declaredOf(skills, this.#options));
    this.#sources = sourcesOf(skills, this.#options);
    // A node file of an earlier release has no folder for skills; the daemon started from one.
    if (this.#set !== undefined) this.#followSources();
    else if (skills !== undefined) this.#installProblem = "skills run from the next start of this daemon on";
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#stopping ??= this.#end();
    await this.#stopping;
  }

  async #end(): Promise<void> {
    await this.#installing;
    await Promise.all([this.#installs?.stop(), this.#set?.stop()]);
  }

  /** The node stays ready, whatever the state of its skills. */
  health(): PartHealth {
    const skills = this.#set?.status() ?? [];
    const notes = [
      ...this.#problems(),
      ...skills.flatMap(({ name, state, reason }) =>
        reason === null ? [] : [`skill ${name} (${state}): ${reason}`],
      ),
    ];
    return {
      ready: true,
      ...(notes.length === 0 ? {} : { note: summaryOf(notes) }),
      details: { skills, problems: this.#problems() },
    };
  }

  figures(): readonly Figure[] {
    return (this.#set?.status() ?? []).flatMap(figuresOf);
  }

  #problems(): readonly string[] {
    const more = this.#installProblem === undefined ? [] : [this.#installProblem];
    return [...(this.#set?.problems ?? []), ...more];
  }

  #policyProblem(verb: "publish" | "subscribe", text: string): string | undefined {
    const { subnet, node } = this.#options.config;
    try {
      const question = { verb, subnet, node } as const;
      const { allowed, rule } = this.#policy.decidePattern(question, parseEventPattern(text));
      return allowed
        ? undefined
        : `policy does not let ${subnet}/${node} ${verb} ${text} (${rule}); allow it in mesh.yaml, or remove it here`;
    } catch (thrown) {
      if (thrown instanceof MeshError) return thrown.message;
      throw thrown;
    }
  }
}

function sourcesOf(skills: Declared, { path }: Pick<MemberSkillsOptions, "path">): string[] {
  return (skills?.sources ?? []).map((one) => path(one));
}

function declaredOf(
  skills: Declared,
  { path }: Pick<MemberSkillsOptions, "path">,
): { readonly paths: string[] } {
  return { paths: (skills?.paths ?? []).map((one) => path(one)) };
}

function newestOf(registry: SchemaRegistry, name: string): number {
  try {
    return registry.resolve(name).version;
  } catch (thrown) {
    // Publishing it will tell.
    if (thrown instanceof MeshError && thrown.code === "unknown-event") return 1;
    throw thrown;
  }
}

function figuresOf({ name, state, restarts, memory_bytes, dropped_lines }: SkillStatus): readonly Figure[] {
  const labels = [name];
  return [
    { metric: "skillUp", labels, value: state === "running" ? 1 : 0 },
    { metric: "skillRestarts", labels, value: restarts },
    ...(memory_bytes === null
      ? []
      : [{ metric: "skillMemory", labels, value: memory_bytes } satisfies Figure]),
    { metric: "skillDroppedLines", labels, value: dropped_lines },
  ];
}
