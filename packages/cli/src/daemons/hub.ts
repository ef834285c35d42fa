import { runHub } from "@adaos/hub";
import { daemon, type RunDaemon } from "./daemon.ts";

export const run: RunDaemon = daemon("hub", runHub);
