import type { OpenProbe, ProbeConnection, ProbeTarget } from "./driver.ts";
import { loadDriver } from "./load-driver.ts";

/** The part of `pg` that is used. */
interface Client {
  on(event: "error", onError: () => void): void;
  connect(): Promise<unknown>;
  query(text: string): Promise<unknown>;
  end(): Promise<void>;
  readonly connection?: { readonly stream?: { destroy(): void } };
}
interface Pg {
  readonly Client: new (options: object) => Client;
}

export function probePostgresql({ url, timeoutMs }: ProbeTarget): OpenProbe {
  const { Client } = loadDriver<Pg>("pg", "postgresql");
  return (): ProbeConnection => {
    const client = new Client({
      connectionString: url,
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
      application_name: "adaos probe",
    });
    // A connection that breaks at rest is noticed at the next look.
    client.on("error", () => undefined);
    return {
      connect: async () => void (await client.connect()),
      ask: async () => void (await client.query("SELECT 1")),
      close: async () => {
        void client.end().catch(() => undefined);
        // A server that hangs does not answer the goodbye either.
        client.connection?.stream?.destroy();
      },
    };
  };
}
