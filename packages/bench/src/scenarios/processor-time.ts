import { existsSync } from "node:fs";
import { ROOT_DOMAIN } from "@adaos/core/wire";
import type { BenchMesh } from "../bench-mesh.ts";
import type { Lab } from "../lab.ts";
import { type Measured, type Scenario, scaled } from "../scenario.ts";
import type { Spent } from "../workers/codec-meter.ts";
import { readUsage } from "../workers/process-usage.ts";
import { type Load, type Run, sendAndReceive, turnsOf } from "./send-and-receive.ts";
import { type About, TEXT_BYTES, WINDOW } from "./ways.ts";

const COUNT = 100_000;
const WARM_UP = 20_000;

/** Contenders that send and receive by the mesh's own servers. */
const ON_MESH: ReadonlySet<string> = new Set(["adaos", "adaos-bare", "adaos-uncounted", "raw"]);
/** Contenders that need the root's daemon. */
const BY_DAEMONS: ReadonlySet<string> = new Set(["adaos", "adaos-bare", "adaos-uncounted"]);

/** Processor time of an event, process by process: on a busy machine it comes later, but costs hardly more. */
export function processorTime(about: About): Scenario {
  const { id, title, reference } = about;
  return {
    id,
    title,
    reference,
    conditions: (scale) =>
      `${scaled(COUNT, scale)} events after ${scaled(WARM_UP, scale)}, ${WINDOW} in flight, ${TEXT_BYTES} bytes of text; one codec is a JSON.parse and a JSON.stringify of the envelope, measured in the same processes meanwhile (servers and daemons: the mean of sender's and receiver's)`,
    prepare: (lab) => turnsOf(lab, about, async (run) => measure(lab, await lab.mesh(), run)),
  };
}

async function measure(lab: Lab, mesh: BenchMesh, run: Run): Promise<readonly Measured[]> {
  const load: Load = {
    count: scaled(COUNT, lab.scale),
    warmUp: scaled(WARM_UP, lab.scale),
    bytes: TEXT_BYTES,
    window: WINDOW,
    isMetered: true,
  };
  const others = othersOf(mesh, run);
  let before: number[] = [];
  const { sender, receiver } = await sendAndReceive(lab, run, load, [run.place.receiver], () => {
    before = others.map(({ pids }) => cpuMsOf(pids));
  });
  const codecMs = ((sender?.codecMs ?? Number.NaN) + (receiver?.codecMs ?? Number.NaN)) / 2;
  const used: [string, Spent | undefined][] = [
    ["sender", sender],
    ["receiver", receiver],
    ...others.map(({ name, pids }, i): [string, Spent] => [
      name,
      { cpuMs: cpuMsOf(pids) - (before[i] ?? Number.NaN), codecMs },
    ]),
  ];
  return rowsOf(used, load.count);
}

interface Others {
  readonly name: string;
  readonly pids: readonly number[];
}

/** Other processes of the mesh that take part. A peer's servers are not measured. */
function othersOf(mesh: BenchMesh, { contender, place }: Run): Others[] {
  if (!ON_MESH.has(contender) || !existsSync("/proc/self/stat")) return [];
  const { from, to } = place;
  const isAcross = from !== to;
  const processes = mesh.processes();
  const pidsOf = (name: string, names: readonly string[]): Others => ({
    name,
    pids: processes.filter((process) => names.includes(process.name)).map(({ pid }) => pid),
  });
  const subnets = isAcross ? [from, to] : [from];
  const servers = [...subnets, ...(isAcross ? [ROOT_DOMAIN] : [])].map((of) => `nats-${of}`);
  const byServers = pidsOf("servers", servers);
  if (!BY_DAEMONS.has(contender)) return [byServers];
  return [...(isAcross ? [pidsOf("root daemon", [ROOT_DOMAIN])] : []), byServers];
}

function cpuMsOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + readUsage(pid).cpuMs, 0);
}

/** Pure. */
function rowsOf(used: readonly [name: string, spent: Spent | undefined][], count: number): Measured[] {
  return used.flatMap(([name, spent]): Measured[] => {
    if (spent === undefined) return [];
    const { cpuMs, codecMs } = spent;
    return [
      { metric: name, unit: "µs", value: (cpuMs * 1000) / count },
      { metric: `${name} in codecs`, unit: "codecs", value: cpuMs / count / codecMs },
    ];
  });
}
