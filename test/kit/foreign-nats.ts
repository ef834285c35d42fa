import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureNatsServer } from "@adaos/nats-server";
import { connect, type NatsConnection } from "nats";
import { until } from "./mesh.ts";

/** A nats-server outside the mesh: with JetStream, and open to all. */
export class ForeignNats {
  readonly url: string;
  readonly nc: NatsConnection;
  readonly #child: ChildProcess;
  readonly #dir: string;

  private constructor(url: string, nc: NatsConnection, child: ChildProcess, dir: string) {
    this.url = url;
    this.nc = nc;
    this.#child = child;
    this.#dir = dir;
  }

  static async start(): Promise<ForeignNats> {
    const dir = mkdtempSync(join(tmpdir(), "foreign-nats-"));
    const args = ["-a", "127.0.0.1", "-p", "-1", "-js", "-sd", dir, "--ports_file_dir", dir];
    const child = spawn((await ensureNatsServer()).path, args, { stdio: "ignore" });
    let url = "";
    await until("the server has its port", () => {
      url = portIn(dir) ?? "";
      return url !== "";
    });
    return new ForeignNats(url, await connect({ servers: url }), child, dir);
  }

  /** A stream of one subject, kept in memory. */
  async addStream(name: string, subject: string): Promise<void> {
    const manager = await this.nc.jetstreamManager();
    await manager.streams.add({ name, subjects: [subject] });
  }

  /** Number of a stream's messages. */
  async count(stream: string): Promise<number> {
    const manager = await this.nc.jetstreamManager();
    return (await manager.streams.info(stream)).state.messages;
  }

  /** A stream's messages, from the first on. */
  async messages(stream: string): Promise<{ headers: Record<string, string>; body: Uint8Array }[]> {
    const manager = await this.nc.jetstreamManager();
    const { first_seq: first, last_seq: last } = (await manager.streams.info(stream)).state;
    const found: { headers: Record<string, string>; body: Uint8Array }[] = [];
    for (let seq = Math.max(1, first); seq <= last; seq++) {
      const { header, data } = await manager.streams.getMessage(stream, { seq });
      found.push({
        headers: Object.fromEntries([...header].map(([name, [value = ""]]) => [name, value])),
        body: data,
      });
    }
    return found;
  }

  async stop(): Promise<void> {
    await this.nc.close();
    this.#child.kill("SIGKILL");
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** The address that a server has written into its folder; undefined until the file is whole. */
function portIn(dir: string): string | undefined {
  const file = readdirSync(dir).find((name) => name.endsWith(".ports"));
  if (file === undefined) return undefined;
  try {
    return (JSON.parse(readFileSync(join(dir, file), "utf8")) as { nats: string[] }).nats[0];
  } catch {
    return undefined;
  }
}
