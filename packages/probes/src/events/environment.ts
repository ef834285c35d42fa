/** Where a database serves. */
export const ENVIRONMENTS = ["production", "staging", "local", "development"] as const;
export type Environment = (typeof ENVIRONMENTS)[number];

/** The kinds of resource that a probe can look at; events call it the type of the database. */
export const DATABASE_TYPES = ["postgresql", "redis", "sqlite", "turso", "nats", "http", "tcp"] as const;
export type DatabaseType = (typeof DATABASE_TYPES)[number];

/** From well to ill. */
export const HEALTH_STATUSES = ["healthy", "degraded", "unhealthy"] as const;
export type HealthStatus = (typeof HEALTH_STATUSES)[number];

/** An environment by its name in any case; `local` for any other name, and for none. Pure. */
export function parseEnvironment(text: string | undefined): Environment {
  const name = text?.trim().toLowerCase();
  return ENVIRONMENTS.find((environment) => environment === name) ?? "local";
}
