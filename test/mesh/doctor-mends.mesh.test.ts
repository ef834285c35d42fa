import { spawn } from "node:child_process";
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeFilePath, readNodeFile } from "@adaos/config";
import { makeCertificate } from "@adaos/provision";
import { DeliverPolicy, nkeys } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HOME, TestMesh, until } from "../kit/mesh.ts";

interface Finding {
  readonly level: string;
  readonly group: string;
  readonly about: string;
  readonly problem: string;
  readonly mend: string;
}

/** A fault, what tells of it, and who repairs it where the command only shows where to look. */
interface Case {
  readonly name: string;
  readonly group: string;
  /** Part of the sentence that the report has. */
  readonly problem: string;
  readonly harm: () => Promise<unknown> | unknown;
  /** What the command is. */
  readonly mend: RegExp;
  /** After the command, which only shows the cause. */
  readonly byHand?: () => Promise<unknown> | unknown;
}

/** A copy of the registry. */
const events = mkdtempSync(join(tmpdir(), "adaos-mends-"));
const YAML = `
mesh: mended
tls: development
registry: { path: ${events}, autoApply: false }
subnets:
  alpha:
    export: [ui.]
    members:
      kitchen: { publish: [ui.] }
      speaker: { subscribe: [ui.] }
  beta:
    import: [ui.]
    members: { desk: { subscribe: [ui.] } }
`;
const DAY_MS = 86_400_000;
/** Commands that change something ask first. */
const ASKS = /^adaos (policy apply|registry apply|store heal)\b/;

let mesh: TestMesh;

async function doctor(...groups: readonly string[]): Promise<readonly Finding[]> {
  const { stdout } = await mesh.ask(["doctor", "--json", "--only", ...groups]);
  return (JSON.parse(stdout) as { findings: readonly Finding[] }).findings;
}

/** Runs a command as a person would who reads it. */
function run(command: string): Promise<{ readonly code: number | null; readonly output: string }> {
  const shell = `adaos() { "${process.execPath}" "${join(HOME, "packages/cli/bin/adaos.mjs")}" "$@"; }; `;
  const line = `${shell}${command}${ASKS.test(command) ? " --yes" : ""}`;
  const env = { ...process.env, ADAOS_STATE: mesh.state };
  return new Promise((resolve) => {
    const child = spawn("bash", ["-c", line], { env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => (output += String(chunk)));
    // The daemons that a command starts keep its output open.
    child.once("exit", (code) => resolve({ code, output }));
  });
}

function seedFileOf(member: string): string {
  const { config, path } = readNodeFile(nodeFilePath(mesh.state, member), "member");
  return path(config.server.seedFile);
}

/** Ends processes of the mesh so that nobody starts them again. */
function kill(...names: readonly string[]): void {
  const pids = names.map((name) => mesh.pid(name));
  for (const pid of pids) process.kill(pid, "SIGKILL");
}

async function apply(yaml: string): Promise<void> {
  mesh.configure(yaml);
  const { code, stderr } = await mesh.ask(["policy", "apply", "--yes"]);
  expect(code, stderr).toBe(0);
}

let stranger: Server | undefined;
let orphan: ReturnType<typeof spawn> | undefined;
/** What a case has replaced, and puts back. */
const good = new Map<string, string>();
function spoil(file: string, text: string): void {
  good.set(file, readFileSync(file, "utf8"));
  writeFileSync(file, text);
}
function restore(): void {
  for (const [file, text] of good) writeFileSync(file, text);
  good.clear();
}

const CASES: readonly Case[] = [
  {
    name: "a supervisor that was killed with its guard",
    group: "processes",
    problem: "what ends is not started again",
    harm: () => kill("guard", "supervisor"),
    mend: /^adaos up --detach /,
  },
  {
    name: "a daemon that nobody keeps",
    group: "processes",
    problem: "runs from this state folder, and nobody keeps it",
    harm: () => {
      // As one that was started by hand: it is listed nowhere.
      const script = "setInterval(() => undefined, 1000)";
      const args = ["-e", script, "node", "member", join(mesh.state, "nodes/alpha/kitchen.json")];
      orphan = spawn(process.execPath, args, { stdio: "ignore" });
    },
    mend: /^kill \d+$/,
  },
  {
    name: "a mesh that is down, whose port another program has taken",
    group: "ports",
    problem: "is taken",
    harm: async () => {
      const port = Number(new URL(mesh.server("beta").url).port);
      await mesh.adaos(["down"]);
      stranger = createServer();
      await new Promise<void>((resolve) => stranger?.listen(port, "127.0.0.1", resolve));
    },
    mend: /^ss -ltnp/,
    byHand: async () => {
      await new Promise((resolve) => stranger?.close(resolve));
      await mesh.up();
    },
  },
  {
    name: "a mesh that is down",
    group: "processes",
    problem: "nothing of the mesh runs",
    harm: () => mesh.adaos(["down"]),
    mend: /^adaos up --detach /,
  },
  {
    name: "a certificate that ends soon",
    group: "certificates",
    problem: "ends in ",
    harm: async () => {
      const file = (name: string): string => join(mesh.state, "keys/tls", name);
      const issuer = {
        certificate: readFileSync(file("ca.pem"), "utf8"),
        key: readFileSync(file("ca.key"), "utf8"),
      };
      const hosts = ["localhost", "127.0.0.1"];
      const made = await makeCertificate({ name: "beta", hosts, validMs: 3 * DAY_MS, issuer });
      writeFileSync(file("servers/beta.pem"), made.certificate);
      writeFileSync(file("servers/beta.key"), made.key, { mode: 0o600 });
    },
    mend: /^adaos down .* && adaos up --detach /,
  },
  {
    name: "a seed that others may read",
    group: "rights",
    problem: "others",
    harm: () => chmodSync(seedFileOf("alpha/kitchen"), 0o644),
    mend: /^chmod /,
  },
  {
    name: "a key of a member that opens nothing",
    group: "rights",
    problem: "its key opens nothing",
    harm: () => writeFileSync(seedFileOf("alpha/kitchen"), newSeed(), { mode: 0o600 }),
    mend: /^adaos policy apply$/,
  },
  {
    name: "a key of a hub that opens nothing",
    group: "servers",
    problem: "does not let in the daemon beside it",
    harm: () => writeFileSync(mesh.server("beta").seedFile, newSeed(), { mode: 0o600 }),
    mend: /^adaos policy apply$/,
  },
  {
    name: "a node file that is cut",
    group: "config",
    problem: "",
    harm: () => {
      const file = join(mesh.state, "nodes/alpha/speaker.json");
      writeFileSync(file, readFileSync(file, "utf8").slice(0, -5));
    },
    mend: /^adaos policy apply --config /,
  },
  {
    name: "a mesh file that is broken",
    group: "config",
    problem: "nonsense",
    harm: () => spoil(mesh.configFile, `${YAML}nonsense: true\n`),
    mend: /^adaos policy check --config /,
    byHand: restore,
  },
  {
    name: "a mesh file that is not in force",
    group: "policy",
    problem: "the mesh file is not what is in force",
    harm: () => mesh.configure(YAML.replace("speaker: { subscribe", "speaker: { publish: [ui.], subscribe")),
    mend: /^adaos policy apply --config /,
  },
  {
    name: "a registry that is not in force",
    group: "registry",
    problem: "what is saved is not in force",
    harm: () => {
      const file = join(events, "ui/notify/v1/schema.json");
      const schema = JSON.parse(readFileSync(file, "utf8")) as object;
      writeFileSync(file, JSON.stringify({ ...schema, description: "A text for people." }, null, 2));
    },
    mend: /^adaos registry apply$/,
  },
  {
    name: "a durable that would pass over events",
    group: "stores",
    problem: "durables that would pass over events",
    harm: async () => {
      const speaker = await mesh.connect("alpha/speaker");
      await speaker.subscribe("ui.", { durable: "screen" }, () => undefined);
      await speaker.close();
      // Nobody heals it meanwhile.
      kill("guard", "supervisor", "alpha/hub");
      await mesh.asService("alpha", async (nc) => {
        const jsm = await nc.jetstreamManager({ checkAPI: false });
        const { config } = await jsm.consumers.info("EVENTS_alpha", "speaker_screen");
        await jsm.consumers.delete("EVENTS_alpha", "speaker_screen");
        const from = { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: 1000 };
        await jsm.consumers.add("EVENTS_alpha", { ...config, ...from });
      });
    },
    mend: /^adaos store heal --at alpha$/,
    byHand: () => mesh.up(),
  },
  {
    name: "events that wait for a server that nobody starts again",
    group: "outboxes",
    problem: "wait on its disk",
    harm: async () => {
      const kitchen = await mesh.connect("alpha/kitchen");
      kill("guard", "supervisor", "nats-alpha");
      const stored = await kitchen.publish("ui.notify", { text: "waits" });
      expect(stored.stream).toBe("outbox");
    },
    mend: /^adaos up --detach /,
  },
  {
    name: "a dead letter",
    group: "durables",
    problem: " dead letter",
    harm: async () => {
      const speaker = await mesh.connect("alpha/speaker");
      await speaker.subscribe("ui.notify", { durable: "broken", retry: { maxRetries: 0 } }, () => {
        throw new TypeError("no screen");
      });
      await (await mesh.connect("alpha/kitchen")).publish("ui.notify", { text: "one" });
    },
    mend: /^adaos events dlq list --at alpha$/,
    byHand: () => mesh.ask(["events", "dlq", "purge", "--at", "alpha", "--older-than", "0", "--yes"]),
  },
  {
    name: "a durable that its member may have no more",
    group: "durables",
    problem: "is paused with ",
    harm: () => apply(YAML.replace("speaker: { subscribe: [ui.] }", "speaker: { publish: [ui.] }")),
    mend: /^adaos policy explain subscribe ui\..* --as alpha\/speaker$/,
    byHand: () => apply(YAML),
  },
];

function newSeed(): string {
  return new TextDecoder().decode(nkeys.createUser().getSeed());
}

describe("the command that adaos doctor names", () => {
  beforeAll(async () => {
    cpSync(join(HOME, "schemas/events"), events, { recursive: true });
    mesh = await TestMesh.start({ yaml: YAML });
  });
  afterAll(async () => {
    orphan?.kill("SIGKILL");
    stranger?.close();
    await mesh?.stop();
    rmSync(events, { recursive: true });
  });

  test.each(CASES)("repairs or shows $name", async ({ group, problem, harm, mend, byHand }) => {
    await harm();
    let found: Finding | undefined;
    await until("it is found", async () => {
      found = (await doctor(group)).find((one) => one.problem.includes(problem));
      return found !== undefined;
    });
    expect(found?.mend).toMatch(mend);
    const { code, output } = await run(found?.mend ?? "");
    if (byHand === undefined) expect(code, output).toBe(0);
    await byHand?.();
    await until(
      "it is gone",
      async () => !(await doctor(group)).some((one) => one.problem.includes(problem)),
      60_000,
    );
  });
});
