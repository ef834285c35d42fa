import { openBus } from "@adaos/client";
import type { MemberFile } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { contractOrError } from "@adaos/core/wire";
import { OwnEvents, openNode } from "@adaos/daemon";
import { diskSource } from "./disk-source.ts";
import { EventJournal } from "./event-journal.ts";
import { MemberProbes } from "./member-probes.ts";
import { MemberScenarios } from "./member-scenarios.ts";
import { SkillsPart } from "./member-skills.ts";
import { OutboxHealth } from "./outbox-health.ts";

/** Runs the daemon of one member until it gets a signal to stop. Resolves with the exit code. */
export async function runMember(file: string): Promise<number> {
  let onNodeFile = (_: MemberFile): void => undefined;
  const opened = openNode(file, "member");
  const { loaded, config, path, log, run } = opened;
  const { bus, watch, follower, registry, policy, documents } = await openBus(loaded, {
    log,
    component: "daemon",
    waitForServer: true,
    keepsNodeFile: true,
    onNodeFile: (changed) => onNodeFile(changed),
  });
  const { subnet, node } = config;
  const mayHear = policy.patternsFor({ verb: "subscribe", subnet, node });
  const probes = new MemberProbes(bus, config.probes, log);
  const scenarios = new MemberScenarios(config.scenarios, { bus, documents, registry, policy, path, log });
  const skills = new SkillsPart({ bus, config, log, path, registry });
  onNodeFile = (changed) => {
    probes.replace(changed.probes);
    scenarios.replace(changed.scenarios);
    skills.replace(changed);
  };
  const own = new OwnEvents({
    publish: ({ id: eventId, name, data, component = "daemon" }) =>
      bus.publish(`${name}@1`, data, { eventId, component }),
    // A member's daemon has no other rights than its member: policy decides whether it reports its start.
    mayPublish: (name) =>
      policy.decide({ verb: "publish", subnet, node }, name, 1).allowed &&
      !(contractOrError(registry, { name, version: 1 }) instanceof MeshError),
    log,
  });
  try {
    const journal = new EventJournal(bus, mayHear, log);
    const parts = [watch, follower, new OutboxHealth(bus), probes, scenarios, skills, journal];
    return await run(parts, [diskSource(opened)], (event) => own.add(event));
  } finally {
    await own.stop();
    await bus.close();
  }
}
