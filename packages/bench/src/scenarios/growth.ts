import type { BenchMesh, MeshSpec } from "../bench-mesh.ts";
import { loadContender } from "../contenders.ts";
import { type Lab, placeOf } from "../lab.ts";
import { type Measured, perSecond, type Scenario, scaled, type Turn } from "../scenario.ts";
import { type Load, sendAndReceive } from "./send-and-receive.ts";
import { ACROSS, TEXT_BYTES } from "./ways.ts";

const CONTENDER = "adaos";
const WINDOW = 1000;
const COUNT = 10_000;
const WARM_UP = 2000;
const LARGE_COUNT = 400;
/** As many large events as fit into an outbox at half its size. */
const LARGE_WINDOW = 64;
const LARGE_WARM_UP = 40;
const SMALL_BYTES = 1024;
/** 256 KiB less an envelope. */
const LARGE_BYTES = 262_144 - 1024;

/** One size of the growing quantity. */
interface Size {
  readonly label: string;
  readonly spec: Omit<MeshSpec, "durability">;
}

/** The cost of an event across the root in a small mesh and in a large one, in turns. */
function growth(
  id: string,
  title: string,
  what: string,
  sizes: readonly [small: Size, large: Size],
): Scenario {
  return {
    id,
    title,
    reference: nameOf(sizes[0]),
    conditions: (scale) =>
      `${scaled(COUNT, scale)} events from subnet to subnet, ${WINDOW} in flight, ${TEXT_BYTES} bytes of text; ${what}`,
    prepare: async (lab) => {
      const turns: Turn[] = [];
      for (const size of sizes)
        turns.push(
          turnOf(lab, nameOf(size), await lab.startMesh({ ...size.spec, pairOnly: true }), loadAt(lab)),
        );
      return turns;
    },
  };
}

const nameOf = ({ label }: Size): string => `${CONTENDER}, ${label}`;

function loadAt({ scale }: Lab): Load {
  return { count: scaled(COUNT, scale), warmUp: scaled(WARM_UP, scale), bytes: TEXT_BYTES, window: WINDOW };
}

function turnOf(lab: Lab, contender: string, mesh: BenchMesh, load: Load): Turn {
  return {
    contender,
    measure: async (run) => {
      const place = placeOf(mesh, ACROSS, run);
      try {
        const { allMs } = await sendAndReceive(lab, { contender: CONTENDER, place }, load);
        return measuredOf(load, allMs);
      } finally {
        await (await loadContender(CONTENDER)).tidy?.(place);
      }
    },
  };
}

/** Pure. */
function measuredOf({ count, bytes }: Load, allMs: number): Measured[] {
  return [
    { metric: "cost of an event", unit: "µs", value: (allMs * 1000) / count },
    { metric: "handled", unit: "events/s", value: perSecond(count, allMs) },
    ...(bytes === TEXT_BYTES
      ? []
      : [{ metric: "text", unit: "MB/s", value: perSecond((count * bytes) / 1e6, allMs) } as const]),
  ];
}

const payload: Scenario = {
  id: "S7d",
  title: "cost of growth: 1 KB to 256 KB",
  reference: `${CONTENDER}, 1 KiB of text`,
  conditions: (scale) =>
    `from subnet to subnet; ${scaled(COUNT, scale)} small ones, ${WINDOW} in flight; ${scaled(LARGE_COUNT, scale)} large ones, ${LARGE_WINDOW} in flight`,
  prepare: async (lab) => {
    const mesh = await lab.mesh();
    const large: Load = {
      count: scaled(LARGE_COUNT, lab.scale),
      warmUp: scaled(LARGE_WARM_UP, lab.scale),
      bytes: LARGE_BYTES,
      window: LARGE_WINDOW,
    };
    return [
      turnOf(lab, `${CONTENDER}, 1 KiB of text`, mesh, { ...loadAt(lab), bytes: SMALL_BYTES }),
      turnOf(lab, `${CONTENDER}, 255 KiB of text`, mesh, large),
    ];
  },
};

export const growthScenarios: readonly Scenario[] = [
  growth(
    "S7a",
    "cost of growth: 2 to 100 subnets",
    "98 of 100 share one server, an account with stream, durable and leaf connection each, without hub daemons; the root serves all, and they send nothing",
    [
      { label: "2 subnets", spec: {} },
      { label: "100 subnets", spec: { crowd: 98 } },
    ],
  ),
  growth(
    "S7b",
    "cost of growth: 10 to 10,000 policy rules",
    "a third each say what the sender may publish and what may leave and enter; the one that matches is the last",
    [
      { label: "10 rules", spec: { rules: 10 } },
      { label: "10,000 rules", spec: { rules: 10_000 } },
    ],
  ),
  growth("S7c", "cost of growth: 10 to 1,000 event types", "in the registry; one is sent", [
    { label: "10 event types", spec: {} },
    { label: "1,000 event types", spec: { eventTypes: 1000 } },
  ]),
  payload,
  growth("S7e", "cost of growth: a root of 1 to 3 servers", "all of them on this machine and its one disk", [
    { label: "1 server", spec: {} },
    { label: "3 servers", spec: { rootServers: 3 } },
  ]),
];
