import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { newTimerState, timerSubject, timersStream } from "@adaos/core/wire";
import { TestMesh, until } from "./mesh.ts";

/** A message that a webhook has taken. */
interface Got {
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly isSigned: boolean;
}

interface Change {
  readonly event_id: string;
  readonly status: string;
  readonly alert: string;
  readonly node: string;
}

const HOUR_MS = 3_600_000;
const SECRET = "a key of the test";

/** The clock of a daemon whose file is named in CLOCK_OF is as many milliseconds ahead as the file CLOCK_AHEAD says. */
const CLOCK = `
import { readFileSync } from "node:fs";
const { CLOCK_OF = "-", CLOCK_AHEAD = "" } = process.env;
let aheadMs = 0;
try {
  if (process.argv.some((arg) => arg.endsWith(CLOCK_OF))) aheadMs = Number(readFileSync(CLOCK_AHEAD, "utf8"));
} catch {}
if (aheadMs !== 0) {
  const Real = Date;
  globalThis.Date = class extends Real {
    constructor(...args) {
      super(...(args.length === 0 ? [Real.now() + aheadMs] : args));
    }
    static now() {
      return Real.now() + aheadMs;
    }
  };
}
`;

/** A mesh that judges alerts, and three webhooks on this machine which they call. */
export class AlarmedMesh {
  readonly dir: string = mkdtempSync(join(tmpdir(), "adaos-alerts-"));
  readonly got: Got[] = [];
  /** What the generic webhook answers. */
  status = 200;
  /** Messages that it has not taken. */
  refused = 0;
  #mesh: TestMesh | undefined;
  #server: Server | undefined;

  get mesh(): TestMesh {
    if (this.#mesh === undefined) throw new Error("the mesh is not started");
    return this.#mesh;
  }

  /** @param yaml May name the files `slack.url`, `discord.url`, `generic.url` and `generic.key` of `dir`. */
  async start(yaml: string): Promise<void> {
    const server = createServer(async (request, response) => {
      const body = await text(request);
      const path = request.url ?? "";
      const code = path === "/generic" ? this.status : 200;
      const signature = createHmac("sha256", SECRET).update(body).digest("hex");
      const isSigned = request.headers["x-adaos-signature-256"] === `sha256=${signature}`;
      if (code === 200) this.got.push({ path, body: JSON.parse(body) as Got["body"], isSigned });
      else this.refused++;
      response.writeHead(code).end();
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    for (const kind of ["slack", "discord", "generic"])
      writeFileSync(join(this.dir, `${kind}.url`), `http://127.0.0.1:${port}/${kind}\n`);
    writeFileSync(join(this.dir, "generic.key"), `${SECRET}\n`);
    const clock = join(this.dir, "clock.mjs");
    writeFileSync(clock, CLOCK);
    const env = {
      NODE_OPTIONS: `--import=${pathToFileURL(clock).href}`,
      CLOCK_OF: "/nodes/beta/hub.json",
      CLOCK_AHEAD: join(this.dir, "ahead"),
    };
    this.#mesh = await TestMesh.start({ yaml, env });
  }

  async stop(): Promise<void> {
    await this.#mesh?.stop();
    this.#server?.closeAllConnections();
    this.#server?.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** `raised x by y` of all that the generic webhook has taken: a hub that is killed may send the same change again. */
  told(): string[] {
    const changes = this.got
      .filter(({ path }) => path === "/generic")
      .flatMap(({ body }) => body["alerts"] as Change[]);
    const byId = new Map(changes.map((change) => [change.event_id, change]));
    return [...byId.values()].map(({ status, alert, node }) => `${status} ${alert} by ${node}`);
  }

  count(line: string): number {
    return this.told().filter((one) => one === line).length;
  }

  untilTold(line: string): Promise<void> {
    return until(`told: ${line}`, () => this.count(line) > 0, 60_000);
  }

  /** The output of `adaos alerts --json`. */
  async alerts(...args: string[]): Promise<Record<string, string>[]> {
    const { stdout } = await this.mesh.adaos(["alerts", ...args, "--json"]);
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, string>);
  }

  /** Kills a daemon, and waits until the supervisor has restarted it. */
  async restart(name: string): Promise<void> {
    const before = this.mesh.pid(name);
    process.kill(before, "SIGKILL");
    await until(`${name} is started again`, () => this.mesh.isReplaced(name, before));
  }

  /** Makes an hourly timer of `alpha/kitchen` whose last two hours nobody was there to fire, and restarts its hub. */
  async missTimer(): Promise<void> {
    const made = ["timer", "add", "--every", "1h", "--catch-up", "none", "--name", "hourly"];
    const of = ["--event", "scenario.completed", "--data", '{"name":"hourly","status":"succeeded"}'];
    const { code, stderr } = await this.mesh.adaos([...made, ...of, "--as", "alpha/kitchen"]);
    if (code !== 0) throw new Error(stderr);
    const subject = (part: "def" | "state"): string =>
      timerSubject({ subnet: "alpha", node: "kitchen" }, "hourly", part);
    const sinceMs = Date.now() - 2.5 * HOUR_MS;
    await this.mesh.asService("alpha", async (nc) => {
      const jsm = await nc.jetstreamManager({ checkAPI: false });
      const kept = await jsm.streams.getMessage(timersStream("alpha"), { last_by_subj: subject("def") });
      const definition = JSON.stringify({ ...kept.json<object>(), sinceMs });
      await nc.jetstream().publish(subject("def"), definition);
      await nc.jetstream().publish(subject("state"), JSON.stringify(newTimerState(sinceMs)));
    });
    await this.restart("alpha/hub");
  }

  /** Sets the clock of `beta/hub` ahead. */
  async setClockAhead(ms: number): Promise<void> {
    writeFileSync(join(this.dir, "ahead"), String(ms));
    await this.restart("beta/hub");
  }
}
