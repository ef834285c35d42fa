export { runRoot } from "./daemon.ts";
export type { Reception } from "./join-desk.ts";
