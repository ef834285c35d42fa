export { runRoot } from "./daemon.ts";
export type { JoinHandler } from "./joining/join-service.ts";
export { Admission } from "./links/admission.ts";
export { Clearance } from "./links/clearance.ts";
