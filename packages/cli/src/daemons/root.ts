import { runRoot } from "@adaos/root";
import { daemon, type RunDaemon } from "./daemon.ts";

export const run: RunDaemon = daemon("root", async (file) => {
  const { openJoinHandler } = await import("@adaos/supervise");
  return runRoot(file, openJoinHandler);
});
