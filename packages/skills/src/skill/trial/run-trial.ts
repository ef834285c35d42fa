import { AsyncLocalStorage } from "node:async_hooks";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  Bus,
  compilePolicy,
  type EventPattern,
  formatEventRef,
  type Logger,
  type Mesh,
  MeshError,
  type OnEvent,
  Policy,
  type PublishOptions,
  parseEventPattern,
  patternMatches,
} from "@adaos/core";
import { delay, messageOf, rulesOf } from "@adaos/core/wire";
import type { EventRecord, FileRegistry } from "@adaos/registry";
import { LocalMesh, LocalTransport } from "@adaos/transport-local";
import { readSkill, type SkillDefinition, skillProblemText } from "../file/read-skill.ts";
import type { Runtime } from "../process/launch.ts";
import type { SkillBus, SkillLogSink } from "../run/skill-port.ts";
import { SkillRunner } from "../run/skill-runner.ts";

/** An event that a handler published, or tried to. */
export interface TrialPublish {
  readonly event: string;
  readonly data: unknown;
  /** Why it was refused: by `skill.yaml` or by its schema. */
  readonly error?: string;
}

/** One example, and what the skill did with it. */
export interface TrialCase {
  readonly event: string;
  /** Below the registry's folder. */
  readonly example: string;
  readonly ok: boolean;
  /** What the handler threw. */
  readonly error?: string;
  readonly published: readonly TrialPublish[];
  readonly ms: number;
}

export interface TrialReport {
  readonly skill: string;
  readonly cases: readonly TrialCase[];
  /** Why it could not be tried, or not wholly. */
  readonly problems: readonly string[];
}

export interface TrialOptions {
  readonly registry: FileRegistry;
  readonly runtime: Runtime;
  readonly log: Logger;
  /** @default what the skill prints and logs goes nowhere */
  openLog?(skill: string): SkillLogSink;
}

const SUBNET = "trial";
const SKILL_NODE = "skill";
const WORLD_NODE = "world";
const READY_MS = 15_000;
const LOOK_MS = 10;
const NO_LOG: SkillLogSink = { dropped: 0, write: () => undefined, close: () => undefined };

/** Feeds the registry's examples to a skill in its real process, on a mesh within this one. */
export async function runTrial(folder: string, options: TrialOptions): Promise<TrialReport> {
  const file = readSkill(folder);
  const { definition: skill, problems } = file;
  if (skill === undefined) return { skill: file.file, cases: [], problems: problems.map(skillProblemText) };
  const trial = new Trial(skill, options);
  const runner = new SkillRunner(file, skill, {
    bus: trial.bus,
    runtime: options.runtime,
    log: options.log,
    newest: (name) => newestOf(options.registry, name),
    policyProblem: () => undefined,
    openLog: (name) => options.openLog?.(name) ?? NO_LOG,
  });
  try {
    await trial.listen();
    runner.start();
    const reason = await untilRunning(runner);
    if (reason !== undefined) return { skill: skill.name, cases: [], problems: [reason] };
    return { skill: skill.name, ...(await trial.run()) };
  } finally {
    await runner.stop("the trial is over");
    await trial.close();
  }
}

async function untilRunning(runner: SkillRunner): Promise<string | undefined> {
  const deadlineMs = Date.now() + READY_MS;
  for (;;) {
    const { state, reason } = runner.status();
    if (state === "running") return undefined;
    if (state === "refused" || state === "waiting" || Date.now() > deadlineMs)
      return reason ?? `it is ${state} after ${READY_MS / 1000} s`;
    await delay(LOOK_MS);
  }
}

function newestOf(registry: FileRegistry, name: string): number {
  try {
    return registry.resolve(name).version;
  } catch (thrown) {
    // Publishing it will tell.
    if (thrown instanceof MeshError) return 1;
    throw thrown;
  }
}

interface Outcome {
  readonly published: TrialPublish[];
  error?: string;
}

/** The mesh of a trial: the skill's member, and the world around it. */
class Trial {
  readonly #skill: SkillDefinition;
  readonly #registry: FileRegistry;
  readonly #own: Bus;
  readonly #world: Bus;
  /** What the handler of the current event has done. */
  readonly #current = new AsyncLocalStorage<Outcome>();
  readonly #ended = new Map<string, Outcome>();

  constructor(skill: SkillDefinition, { registry, log }: TrialOptions) {
    this.#skill = skill;
    this.#registry = registry;
    const mesh = meshOf(skill);
    const rules = compilePolicy(mesh, registry.events);
    const local = new LocalMesh(mesh, rules);
    const busOf = (node: string): Bus => {
      const broker = local.broker(SUBNET);
      if (broker === undefined) throw new MeshError("internal", "the mesh of the trial has no broker");
      return new Bus({
        address: { subnet: SUBNET, node },
        transport: new LocalTransport(broker, { node }),
        ...local.node(SUBNET, node),
        registry,
        policy: new Policy(rulesOf(rules, SUBNET, node)),
        log,
      });
    };
    this.#own = busOf(SKILL_NODE);
    this.#world = busOf(WORLD_NODE);
  }

  /** The bus as the skill gets it: it notes what each handler does, and repeats nothing. */
  get bus(): SkillBus {
    const own = this.#own;
    const noted = async <T>(event: string, data: unknown, act: () => Promise<T>): Promise<T> => {
      const outcome = this.#current.getStore();
      try {
        const done = await act();
        outcome?.published.push({ event, data });
        return done;
      } catch (thrown) {
        outcome?.published.push({ event, data, error: messageOf(thrown) });
        throw thrown;
      }
    };
    return {
      address: own.address,
      publish: (ref: string, data: unknown, how?: PublishOptions) =>
        noted(ref, data, () => own.publish(ref, data as never, how)),
      request: (ref: string, data: unknown, how?: PublishOptions) =>
        noted(ref, data, () => own.request(ref, data as never, how)),
      subscribe: (pattern: string, how: Parameters<Bus["subscribe"]>[1], onEvent: OnEvent<never>) =>
        own.subscribe(pattern, how, async (event, context) => {
          const outcome: Outcome = { published: [] };
          try {
            return await this.#current.run(outcome, async () => onEvent(event as never, context));
          } catch (thrown) {
            outcome.error = messageOf(thrown);
            return undefined;
          } finally {
            this.#ended.set(event.event_id, outcome);
          }
        }),
    } as SkillBus;
  }

  /** Answers the commands that the skill may send with the examples of their replies. */
  async listen(): Promise<void> {
    for (const record of this.#registry.records.filter(({ kind }) => kind === "command")) {
      if (!this.#skill.publish.some((pattern) => matches(pattern, record))) continue;
      const reply = this.#registry.records.find(
        ({ name, version }) => name === `${record.name}.result` && version === record.version,
      );
      const answer = reply === undefined ? undefined : this.#exampleOf(reply, reply.examples[0]);
      const durable = `answers-${record.name.replaceAll(/[^a-z0-9]/g, "-")}-${record.version}`.slice(0, 63);
      await this.#world.subscribe(refOf(record), { durable }, () => answer);
    }
  }

  async run(): Promise<Pick<TrialReport, "cases" | "problems">> {
    const cases: TrialCase[] = [];
    const problems: string[] = [];
    for (const { pattern, timeoutMs } of this.#skill.topics) {
      const records = this.#registry.records.filter((one) => one.kind !== "reply" && matches(pattern, one));
      if (records.length === 0) problems.push(`the registry has no event for ${pattern.text}`);
      for (const record of records) {
        if (record.examples.length === 0) problems.push(`${refOf(record)} has no examples in the registry`);
        for (const example of record.examples) cases.push(await this.#try(record, example, timeoutMs));
      }
    }
    return { cases, problems };
  }

  async close(): Promise<void> {
    await Promise.all([this.#own.close(), this.#world.close()]);
  }

  async #try(record: EventRecord, example: string, timeoutMs: number): Promise<TrialCase> {
    const event = refOf(record);
    const beganMs = performance.now();
    const headers = Object.fromEntries(record.required_headers.map((name) => [name, "trial"]));
    const data = this.#exampleOf(record, example) as never;
    const { eventId } = await this.#world.publish(event, data, { headers });
    const deadlineMs = Date.now() + timeoutMs + READY_MS;
    while (!this.#ended.has(eventId) && Date.now() < deadlineMs) await delay(LOOK_MS);
    const { published, error } = this.#ended.get(eventId) ?? {
      published: [],
      error: `it was not handled in ${timeoutMs / 1000} s`,
    };
    const ok = error === undefined;
    const ms = Math.round(performance.now() - beganMs);
    return { event, example, ok, ...(ok ? {} : { error }), published, ms };
  }

  #exampleOf(_record: EventRecord, example: string | undefined): unknown {
    return example === undefined ? {} : JSON.parse(readFileSync(join(this.#registry.dir, example), "utf8"));
  }
}

function matches(pattern: EventPattern, { name, version }: EventRecord): boolean {
  return patternMatches(pattern, name, version);
}

function refOf({ name, version }: EventRecord): string {
  return formatEventRef(name, version);
}

function meshOf({ publish, topics }: SkillDefinition): Mesh {
  const all = [parseEventPattern("*")];
  const member = (name: string, may: readonly EventPattern[], sees: readonly EventPattern[]) =>
    [name, { name, roles: [], publish: may, subscribe: sees }] as const;
  const members = new Map([
    member(
      SKILL_NODE,
      publish,
      topics.map(({ pattern }) => pattern),
    ),
    member(WORLD_NODE, all, all),
  ]);
  const subnet = { name: SUBNET, tenant: "default", clearance: [], exports: [], imports: [], members };
  return { name: "trial", durability: "relaxed", subnets: new Map([[SUBNET, subnet]]), policy: [] };
}
