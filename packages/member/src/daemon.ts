import { openBus } from "@adaos/client";
import { openNode } from "@adaos/daemon";
import { diskSource } from "./disk-source.ts";
import { EventJournal } from "./event-journal.ts";
import { OutboxHealth } from "./outbox-health.ts";

/** Runs the daemon of one member until it is told to stop. Resolves with the exit code. */
export async function runMember(file: string): Promise<number> {
  const opened = openNode(file, "member");
  const { loaded, config, log, policy, run } = opened;
  const { bus, watch, follower } = await openBus(loaded, {
    log,
    component: "daemon",
    waitForServer: true,
    keepsNodeFile: true,
  });
  const { subnet, node } = config;
  const mayHear = policy.patternsFor({ verb: "subscribe", subnet, node });
  try {
    const parts = [watch, follower, new OutboxHealth(bus), new EventJournal(bus, mayHear, log)];
    return await run(parts, [diskSource(opened)]);
  } finally {
    await bus.close();
  }
}
