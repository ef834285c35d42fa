export type { ProbeConnection } from "./drivers/driver.ts";
export {
  DatabaseConnectionEstablished,
  DatabaseConnectionFailed,
  DatabaseHealthCheckCompleted,
} from "./events/database-events.ts";
export { aggregateId, DomainEvent, type EventClass } from "./events/domain-event.ts";
export {
  DATABASE_TYPES,
  type DatabaseType,
  ENVIRONMENTS,
  type Environment,
  HEALTH_STATUSES,
  type HealthStatus,
  parseEnvironment,
} from "./events/environment.ts";
export { Probes } from "./probes.ts";
export type { Probe, ProbeHealth } from "./runner/probe.ts";
export type { ProbeOptions } from "./runner/probe-options.ts";
export { withoutSecrets } from "./secrets.ts";
