// A consumer process that may be killed at any moment: `marks-consumer.mjs <member> <state> <file> <end>`. It
// handles each event at two durables, one with marks on its own disk and one with marks at the hub. A line of the
// file is an effect. With `power` as its end a kill is a power cut: of its marks on disk only synced ones survive.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const [as, state, file, end] = process.argv.slice(2);

if (end === "power") {
  const { writeSync, fdatasync } = fs;
  /** Unsynced bytes of each mark file. */
  const unsynced = new Map();
  const isMarks = (fd) => {
    if (!unsynced.has(fd)) {
      const path = fs.readlinkSync(`/proc/self/fd/${fd}`);
      unsynced.set(fd, path.endsWith(".marks") ? [] : undefined);
    }
    return unsynced.get(fd) !== undefined;
  };
  fs.writeSync = (fd, content, ...where) => {
    if (where.length !== 3 || !isMarks(fd)) return writeSync(fd, content, ...where);
    const [offset, length, position] = where;
    unsynced.get(fd).push({ part: Buffer.from(content.subarray(offset, offset + length)), position });
    return length;
  };
  fs.fdatasync = (fd, done) => {
    if (isMarks(fd)) {
      for (const { part, position } of unsynced.get(fd).splice(0)) {
        writeSync(fd, part, 0, part.length, position);
      }
    }
    fdatasync(fd, done);
  };
  syncBuiltinESMExports();
}

const { connect } = await import("@adaos/client");
const effects = fs.openSync(file, "a");

// The parent owns its standard input: without the parent this process must end.
process.stdin.resume().once("close", () => process.exit());

const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const bus = await connect({ as, state, log, waitForServer: true });

async function subscribe(idempotency) {
  const options = { durable: idempotency, startAt: "all", idempotency };
  for (;;) {
    try {
      return await bus.subscribe("ui.notify", options, async ({ event_id }) => {
        fs.writeSync(effects, `${Date.now()} ${process.pid} ${idempotency} ${event_id}\n`);
        if (Math.random() < 0.5) await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
      });
    } catch (thrown) {
      // Killed, and not back yet.
      if (thrown.code !== "unavailable") throw thrown;
    }
  }
}

await Promise.all(["member", "hub"].map(subscribe));
process.stdout.write("ready\n");
