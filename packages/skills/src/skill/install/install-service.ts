import type { Envelope, HandlerContext, Logger, Subscription } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";
import { effectId } from "../run/names.ts";
import type { SkillBus } from "../run/skill-port.ts";
import type { SkillSet } from "../set/skill-set.ts";
import { applyInstall } from "./apply-install.ts";
import { type InstallCommand, InstallRefusal, planInstall } from "./plan-install.ts";

const COMMAND = "repo.skill.install@1";
const INSTALLED = "repo.skill.installed@1";
const DURABLE = "skill-install";
const COMPONENT = "repo";
const MAX_REASON = 1000;

export interface InstallServiceOptions {
  readonly bus: SkillBus;
  readonly skills: SkillSet;
  readonly log: Logger;
  /** Folders that the operator has allowed. */
  sources(): readonly string[];
}

/** Installs skills on command: answers `repo.skill.install@1` with `repo.skill.install.result@1`. */
export class InstallService {
  readonly #options: InstallServiceOptions;
  #subscription: Subscription | undefined;

  constructor(options: InstallServiceOptions) {
    this.#options = options;
  }

  /** Rejects as `Bus.subscribe` does: `denied` where policy does not let the member take the command. */
  async start(): Promise<void> {
    if (this.#subscription !== undefined) return;
    this.#subscription = await this.#options.bus.subscribe(
      COMMAND,
      // Two installs at a time could write the same folder.
      { durable: DURABLE, maxConcurrency: 1 },
      (event, context) => this.#install(event as Envelope<InstallCommand>, context),
    );
  }

  async stop(): Promise<void> {
    const subscription = this.#subscription;
    this.#subscription = undefined;
    await subscription?.stop();
  }

  /** The reply. What is refused is an answer, too; what fails otherwise is tried again. */
  async #install(event: Envelope<InstallCommand>, context: HandlerContext): Promise<unknown> {
    const { skills, log, sources } = this.#options;
    const { skill } = event.data;
    try {
      const declared = skills.declaredFolder(skill);
      if (declared !== undefined)
        throw new InstallRefusal("exists", `${declared} is a skill ${skill} already, which mesh.yaml names`);
      const plan = planInstall(event.data, sources());
      const { status, version, previousVersion } = applyInstall(plan, skills.files);
      log.info({ skill, version, status, digest: plan.digest }, "skill installed");
      skills.follow();
      // An attempt before this one may have ended between the install and its event.
      if (status === "installed" || context.deliveryCount > 1)
        await this.#announce(event, version, previousVersion);
      return { skill, status, version };
    } catch (thrown) {
      if (!(thrown instanceof InstallRefusal)) throw thrown;
      const { code, message } = thrown;
      log.warn({ skill, code, reason: message }, "skill not installed");
      return { skill, status: "failed", error: { code, message: message.slice(0, MAX_REASON) } };
    }
  }

  async #announce(
    event: Envelope<InstallCommand>,
    version: string,
    before: string | undefined,
  ): Promise<void> {
    const { skill, source } = event.data;
    const data = {
      skill,
      version,
      ...(source === undefined ? {} : { source }),
      ...(before === undefined ? {} : { previous_version: before }),
    };
    const eventId = effectId({
      durable: DURABLE,
      handledId: event.event_id,
      handledTs: event.ts,
      event: INSTALLED,
      data: skill,
      key: "installed",
      index: 0,
    });
    try {
      await this.#options.bus.publish(INSTALLED, data, { component: COMPONENT, eventId });
    } catch (thrown) {
      const code = (thrown as { code?: unknown }).code;
      if (code !== "denied") throw thrown;
      this.#options.log.warn({ skill, reason: messageOf(thrown) }, "installed skill not announced");
    }
  }
}
