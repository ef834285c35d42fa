import { openBus } from "@adaos/client";
import { readNodeFile } from "@adaos/config";
import { Policy } from "@adaos/core";
import { openLog, runNode } from "@adaos/daemon";
import { EventJournal } from "./event-journal.ts";
import { OutboxHealth } from "./outbox-health.ts";

/** Runs the daemon of one member until it is told to stop. Resolves with the exit code. */
export async function runMember(file: string): Promise<number> {
  const loaded = readNodeFile(file, "member");
  const { config, path } = loaded;
  const node = `${config.subnet}/${config.node}`;
  const logFile = config.log.file;
  const log = openLog({
    level: config.log.level,
    file: logFile === undefined ? undefined : path(logFile),
    base: { mesh: config.mesh, node },
  });
  const { bus, watch, follower } = await openBus(loaded, { log, component: "daemon", waitForServer: true });
  const mayHear = new Policy(config.policy).patternsFor({
    verb: "subscribe",
    subnet: config.subnet,
    node: config.node,
  });
  try {
    return await runNode({
      node,
      role: "member",
      http: config.http,
      runFile: config.runFile === undefined ? undefined : path(config.runFile),
      log,
      parts: [watch, follower, new OutboxHealth(bus), new EventJournal(bus, mayHear, log)],
    });
  } finally {
    await bus.close();
  }
}
