import type { Envelope, HandlerContext, Subscription } from "@adaos/core";
import type { SkillDefinition, SkillTopic } from "../file/read-skill.ts";
import { skillDurable } from "./names.ts";
import type { SkillBus } from "./skill-port.ts";

/** Takes an event of a skill's subscription. */
export type PassEvent = (
  durable: string,
  handler: string,
  event: Envelope,
  context: HandlerContext,
) => Promise<unknown>;

/** The subscriptions of a skill. They outlive its processes, so that another process goes on without a gap. */
export class SkillSubscriptions {
  readonly #skill: Pick<SkillDefinition, "name" | "topics">;
  readonly #bus: SkillBus;
  readonly #pass: PassEvent;
  readonly #open = new Map<string, Subscription>();
  #isClosed = false;

  constructor(skill: Pick<SkillDefinition, "name" | "topics">, bus: SkillBus, pass: PassEvent) {
    this.#skill = skill;
    this.#bus = bus;
    this.#pass = pass;
  }

  /** Whether a changed skill would subscribe the same. */
  isSame({ name, topics }: Pick<SkillDefinition, "name" | "topics">): boolean {
    return JSON.stringify([name, topics]) === JSON.stringify([this.#skill.name, this.#skill.topics]);
  }

  /** Opens what is not open yet. Rejects as `Bus.subscribe` does; it may wait for a hub that is away. */
  async open(): Promise<void> {
    for (const topic of this.#skill.topics) {
      if (this.#isClosed) return;
      if (!this.#open.has(topic.pattern.text)) await this.#subscribe(topic);
    }
  }

  async close(graceMs: number): Promise<void> {
    this.#isClosed = true;
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(open.map((subscription) => subscription.stop(graceMs)));
  }

  async #subscribe({ pattern, timeoutMs, maxConcurrency, retry }: SkillTopic): Promise<void> {
    const durable = skillDurable(this.#skill.name, pattern);
    const subscription = await this.#bus.subscribe(
      pattern.text,
      { durable, timeoutMs, maxConcurrency, ...(retry === undefined ? {} : { retry }) },
      (event, context) => this.#pass(durable, pattern.text, event, context),
    );
    if (this.#isClosed) await subscription.stop(0);
    else this.#open.set(pattern.text, subscription);
  }
}
