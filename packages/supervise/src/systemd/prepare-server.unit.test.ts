import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { recordOf, SUPERVISOR } from "../processes/process-table.ts";
import { isLock, takeLock } from "../processes/state-lock.ts";
import { OWNER_LOCK } from "../processes/stop-processes.ts";
import { prepareServer } from "./prepare-server.ts";

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "adaos-prepare-"));
});
afterEach(() => rmSync(state, { recursive: true }));

test("a unit starts no server while another process copies the streams", () => {
  const lock = takeLock(state, OWNER_LOCK, recordOf(SUPERVISOR, process.pid));
  const told = `process ${process.pid} (supervisor) uses the stores`;
  expect(() => prepareServer(state, "nats-root")).toThrow(told);
  if (isLock(lock)) lock.release();
  expect(() => prepareServer(state, "nats-root")).toThrow(/no mesh in/);
});
