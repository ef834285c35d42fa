export { runHub } from "./daemon.ts";
