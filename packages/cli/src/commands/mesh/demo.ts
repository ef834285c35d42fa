import { join } from "node:path";
import { connect } from "@adaos/client";
import { resolveStateDir } from "@adaos/config";
import { type Bus, type EventData, MeshError } from "@adaos/core";
import { delay, visibleJson } from "@adaos/core/wire";
import { askHealth, startMesh, untilAsked, waitUntilReady } from "@adaos/supervise";
import { Command } from "commander";
import { type StateOptions, stateOption } from "../../options/options.ts";
import { PROGRAM_FILE } from "../../program-file.ts";
import { printHealth, tellViewer } from "../../terminal/print-health.ts";
import type { Terminal } from "../../terminal/terminal.ts";

/** Longest time of one event of the demo. */
const ARRIVAL_LIMIT_MS = 20_000;
const LOOK_MS = 10;
const TICK_LOOKS = 300;

interface DemoOptions extends StateOptions {
  readonly config: string;
  readonly once?: boolean;
}

/** The demo of `npm start`: the default mesh, a few events across it, and the next commands. */
export function demoCommand(terminal: Terminal): Command {
  return new Command("demo")
    .description("start the default mesh and send a few events across it")
    .option("--config <file>", "the mesh to start; needs the nodes of the default mesh", "deploy/mesh.yaml")
    .addOption(stateOption())
    .option("--once", "stop everything when the events have arrived")
    .action(async (options: DemoOptions) => {
      const stateDir = resolveStateDir(options.state);
      const asked = untilAsked();
      terminal.say(`starting the mesh of ${options.config}`);
      const mesh = await startMesh(options.config, stateDir, PROGRAM_FILE, terminal.say);
      try {
        const started = waitUntilReady(mesh.layout, stateDir, terminal.say, () =>
          asked.yet() ? "stopped" : undefined,
        );
        if ((await Promise.race([started, asked.promise])) === undefined) return;
        await Promise.race([showEvents(stateDir, terminal), asked.promise]);
        terminal.say("\nwhat runs where:");
        const health = await askHealth(mesh.layout, stateDir);
        printHealth(health, false, terminal);
        tellViewer(health, terminal);
        if (options.once === true || asked.yet()) return;
        tellNext(stateDir, terminal);
        await asked.promise;
      } finally {
        terminal.say("stopping");
        await mesh.stop();
        terminal.say("stopped");
      }
    });
}

/** Publishes across the mesh both ways and once against policy. Rejects when something does not go as it should. */
async function showEvents(stateDir: string, terminal: Terminal): Promise<void> {
  const open: Bus[] = [];
  const as = async (member: string): Promise<Bus> => {
    const bus = await connect({ as: member, state: stateDir, component: "demo" });
    open.push(bus);
    return bus;
  };
  try {
    const [kitchen, speaker, desk] = [
      await as("alpha/kitchen"),
      await as("alpha/speaker"),
      await as("beta/desk"),
    ];
    terminal.say("\nsample events:");
    const intent = { intent: "lights.on", slots: { room: "desk" }, locale: "en" };
    await showCrossing(kitchen, desk, "nlp.intent.detected", intent, terminal);
    await showCrossing(desk, speaker, "ui.notify", { text: "The light at the desk is on" }, terminal);
    await showRefusal(kitchen, terminal);
    await showBehaviour(kitchen, desk, terminal);
  } finally {
    await Promise.all(open.map((bus) => bus.close()));
  }
}

async function showCrossing<Ref extends string>(
  from: Bus,
  to: Bus,
  ref: Ref,
  data: EventData<Ref>,
  terminal: Terminal,
): Promise<void> {
  const { green, dim } = terminal.colors;
  const path = `${from.address.subnet}/${from.address.node} -> ${to.address.subnet}/${to.address.node}`;
  const seen = new Set<string>();
  const subscription = await to.subscribe(ref, { durable: "demo" }, ({ event_id }) => seen.add(event_id));
  const startedMs = performance.now();
  try {
    const { eventId } = await from.publish(ref, data);
    while (!seen.has(eventId)) {
      if (performance.now() - startedMs > ARRIVAL_LIMIT_MS) {
        throw new MeshError(
          "timeout",
          `${ref} (${eventId}) did not arrive, ${path}, in ${ARRIVAL_LIMIT_MS} ms`,
        );
      }
      await delay(1);
    }
    const tookMs = Math.round(performance.now() - startedMs);
    terminal.say(
      `  ${green("arrived")}  ${path}  ${ref}  ${visibleJson(data)}  ${dim(`${eventId}, ${tookMs} ms`)}`,
    );
  } finally {
    await subscription.stop();
  }
}

/** A timer fires, a scenario answers, and its notice crosses the mesh. Rejects where none arrives in time. */
async function showBehaviour(kitchen: Bus, desk: Bus, terminal: Terminal): Promise<void> {
  const { green, dim } = terminal.colors;
  let told: string | undefined;
  const subscription = await desk.subscribe("ui.notify@1", { durable: "demo" }, ({ data, source }) => {
    if (source.startsWith("scenario@")) told = (data as { readonly text: string }).text;
  });
  const startedMs = performance.now();
  try {
    for (let i = 0; told === undefined; i++) {
      if (performance.now() - startedMs > ARRIVAL_LIMIT_MS)
        throw new MeshError("timeout", `scenario chime has told nothing in ${ARRIVAL_LIMIT_MS} ms`);
      // A scenario that is just being started gets the next tick.
      if (i % TICK_LOOKS === 0) await kitchen.timers.trigger("hour");
      await delay(LOOK_MS);
    }
  } finally {
    await subscription.stop();
  }
  const way = "timer hour -> timer.tick@1 -> scenario chime -> ui.notify@1 -> beta/desk";
  terminal.say(`  ${green("by itself")}  ${way}  ${dim(told)}`);
}

async function showRefusal(kitchen: Bus, terminal: Terminal): Promise<void> {
  const ref = "repo.skill.installed";
  const { yellow } = terminal.colors;
  try {
    await kitchen.publish(ref, { skill: "weather", version: "1.0.0" });
  } catch (thrown) {
    if (!(thrown instanceof MeshError) || thrown.code !== "denied") throw thrown;
    terminal.say(`  ${yellow("refused")}  alpha/kitchen  ${ref}  ${thrown.message}`);
    return;
  }
  throw new MeshError("internal", `${ref} of alpha/kitchen was not refused by policy`);
}

function tellNext(stateDir: string, terminal: Terminal): void {
  terminal.say(`
how to look at it, in another terminal:
  npx adaos view
  npx adaos status
  npx adaos events tail '*' --at root --since 10m
  npx adaos events publish ui.notify --data '{"text":"Tea is ready"}' --as alpha/kitchen
  npx adaos skill logs scribe
  npx adaos scenario runs
logs are in ${join(stateDir, "logs")}; Ctrl-C stops everything`);
}
