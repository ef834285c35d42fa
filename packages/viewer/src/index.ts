export { ROLES, type Role } from "./access/roles.ts";
export {
  isTokenKept,
  type ListedToken,
  listTokens,
  makeToken,
  revokeToken,
  revokeTokens,
} from "./access/tokens.ts";
export type { EventKnown, EventTrace, EventWhy } from "./api/event.ts";
export type { HealthAlerts, HealthMetrics, HealthResilience } from "./api/health.ts";
export type { ViewerListen, ViewerServer } from "./http/viewer-server.ts";
export { type RunViewerOptions, runViewer } from "./run-viewer.ts";
export { startViewer, type ViewerOptions } from "./start-viewer.ts";
