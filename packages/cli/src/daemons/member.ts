import { runMember } from "@adaos/member";
import { daemon, type RunDaemon } from "./daemon.ts";

export const run: RunDaemon = daemon("member", runMember);
