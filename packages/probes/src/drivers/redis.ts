import { MeshError } from "@adaos/core";
import type { OpenProbe, ProbeConnection, ProbeTarget } from "./driver.ts";
import { loadDriver } from "./load-driver.ts";

/** The part of `@redis/client` that is used; version 1 calls disconnect what later versions call destroy. */
interface Client {
  readonly isOpen: boolean;
  on(event: "error", onError: () => void): void;
  connect(): Promise<unknown>;
  ping(): Promise<unknown>;
  destroy?(): void;
  disconnect?(): Promise<void>;
}
interface RedisClient {
  createClient(options: object): Client;
}

export function probeRedis({ url, timeoutMs }: ProbeTarget): OpenProbe {
  const { createClient } = loadDriver<RedisClient>("@redis/client", "redis");
  return (): ProbeConnection => {
    const client = createClient({
      url,
      name: "adaos-probe",
      disableOfflineQueue: true,
      // The probe connects anew itself.
      socket: { connectTimeout: timeoutMs, reconnectStrategy: false },
    });
    client.on("error", () => undefined);
    return {
      connect: async () => void (await client.connect()),
      ask: async () => {
        const answer = await client.ping();
        if (answer !== "PONG") throw new MeshError("unavailable", "PING was not answered with PONG");
      },
      close: async () => {
        if (!client.isOpen) return;
        if (client.destroy !== undefined) client.destroy();
        else await client.disconnect?.();
      },
    };
  };
}
