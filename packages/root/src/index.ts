export { runRoot } from "./daemon.ts";
