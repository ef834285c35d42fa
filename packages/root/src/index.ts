export { runRoot } from "./daemon.ts";
export type { Reception } from "./joining/join-desk.ts";
export { Admission } from "./links/admission.ts";
export { Clearance } from "./links/clearance.ts";
