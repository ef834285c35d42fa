// A program of a member finds the client here as well.
export * from "@adaos/client";
export { runMember } from "./daemon.ts";
