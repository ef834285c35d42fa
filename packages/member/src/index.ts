export { runMember } from "./daemon.ts";
