import { openBus } from "@adaos/client";
import type { MemberFile } from "@adaos/config";
import { openNode } from "@adaos/daemon";
import { diskSource } from "./disk-source.ts";
import { EventJournal } from "./event-journal.ts";
import { MemberProbes } from "./member-probes.ts";
import { SkillsPart } from "./member-skills.ts";
import { OutboxHealth } from "./outbox-health.ts";

/** Runs the daemon of one member until it gets a signal to stop. Resolves with the exit code. */
export async function runMember(file: string): Promise<number> {
  let onNodeFile = (_: MemberFile): void => undefined;
  const opened = openNode(file, "member");
  const { loaded, config, log, policy, run } = opened;
  const { bus, watch, follower, registry } = await openBus(loaded, {
    log,
    component: "daemon",
    waitForServer: true,
    keepsNodeFile: true,
    onNodeFile: (changed) => onNodeFile(changed),
  });
  const { subnet, node } = config;
  const mayHear = policy.patternsFor({ verb: "subscribe", subnet, node });
  const probes = new MemberProbes(bus, config.probes, log);
  const skills = new SkillsPart({
    bus,
    config,
    log,
    path: (path) => opened.path(path),
    registry,
  });
  onNodeFile = (changed) => {
    probes.replace(changed.probes);
    skills.replace(changed);
  };
  try {
    const parts = [
      watch,
      follower,
      new OutboxHealth(bus),
      probes,
      skills,
      new EventJournal(bus, mayHear, log),
    ];
    return await run(parts, [diskSource(opened)]);
  } finally {
    await bus.close();
  }
}
