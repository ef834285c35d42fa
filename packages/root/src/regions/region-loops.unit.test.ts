import type { RootFile } from "@adaos/config";
import { MeshError, type PolicyRule, parseEventPattern } from "@adaos/core";
import { formatSubject, SIGNATURE_HEADER } from "@adaos/core/wire";
import fc from "fast-check";
import type { Msg } from "nats";
import { describe, expect, test } from "vitest";
import { filterMatches } from "../../../../test/kit/nats-wildcards.ts";
import { envelopeOf, messageOfEnvelope } from "../../../../test/kit/stand-ins.ts";
import { Subnets } from "../subnets.ts";
import { RegionAdmission } from "./region-admission.ts";
import { Regions } from "./regions.ts";

const KEY = `U${"A".repeat(55)}`;
const NOBODY_CLASSIFIES = { assertMayEnter: () => undefined };

/** A root of a graph of regions; region `i` has the subnets `s<i>-0` and on. */
interface Node {
  readonly name: string;
  readonly own: readonly string[];
  readonly regions: Regions;
  /** Subjects in its stream, each as often as it was stored. */
  readonly stored: string[];
}

const subnetsOf = (i: number, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `s${i}-${n}`);

const rule = (importer: string, from: string, pattern: string): PolicyRule => ({
  id: "r",
  effect: "allow",
  verb: "import",
  subnet: importer,
  from: [from],
  pattern: parseEventPattern(pattern),
});

/** @param links Pairs that exchange, in both directions. */
function graphOf(counts: readonly number[], links: readonly (readonly [number, number])[]): Node[] {
  return counts.map((count, i) => {
    const peers = new Set(links.flatMap(([a, b]) => (a === i ? [b] : b === i ? [a] : [])));
    peers.delete(i);
    const name = `r${i}`;
    const file = {
      mesh: name,
      subnets: Object.fromEntries(
        subnetsOf(i, count).map((own) => [own, { tenant: "default", nodes: ["n"] }]),
      ),
      regions: Object.fromEntries(
        [...peers].map((peer) => {
          const subnets = Object.fromEntries(subnetsOf(peer, counts[peer] ?? 0).map((one) => [one, {}]));
          const server = { url: "nats://127.0.0.1:1", seedFile: "x" };
          return [`r${peer}`, { tenant: "default", clearance: [], subnets, server, key: KEY }];
        }),
      ),
      regionPolicy: [...peers].flatMap((peer) => [rule(name, `r${peer}`, "*"), rule(`r${peer}`, name, "*")]),
    } as unknown as RootFile;
    const subnets = new Subnets(file);
    return { name, own: subnetsOf(i, count), regions: new Regions(file, subnets), stored: [] };
  });
}

/** Lets events run until nothing moves; a stored event may be pulled by each link once, as from a durable. */
function run(nodes: readonly Node[], limit: number): number {
  const places = new Map<string, number>();
  let moves = 0;
  for (let moved = true; moved; ) {
    moved = false;
    for (const target of nodes) {
      for (const { name } of target.regions.all()) {
        const source = nodes.find((node) => node.name === name);
        if (source === undefined) continue;
        const admission = new RegionAdmission(name, target.regions, NOBODY_CLASSIFIES);
        const durable = source.regions
          .durables()
          .find(({ consumer }) => consumer === `region_${target.name}`);
        const way = `${name} ${target.name}`;
        for (let at = places.get(way) ?? 0; at < source.stored.length; at++) {
          places.set(way, at + 1);
          const subject = source.stored[at] ?? "";
          if (durable?.filters.some((filter) => filterMatches(filter, subject)) !== true) continue;
          if (!admits(admission, subject)) continue;
          target.stored.push(subject);
          moved = true;
          if (++moves > limit) return moves;
        }
      }
    }
  }
  return moves;
}

function admits(admission: RegionAdmission, subject: string): boolean {
  try {
    admission.admitSubject(subject);
    return true;
  } catch (thrown) {
    if (thrown instanceof MeshError && thrown.code === "denied") return false;
    throw thrown;
  }
}

const graphs = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 2, maxLength: 6 }).chain((counts) => {
  const region = fc.nat({ max: counts.length - 1 });
  return fc.record({
    counts: fc.constant(counts),
    links: fc.array(fc.tuple(region, region), { maxLength: 20 }),
  });
});

describe("links between regions", () => {
  test("store an event once in each linked region, never in a third, and never where it comes from", () => {
    fc.assert(
      fc.property(graphs, ({ counts, links }) => {
        const nodes = graphOf(counts, links);
        const event = { node: "n", name: "ui.notify", version: 1 };
        for (const { own, stored } of nodes)
          for (const subnet of own) stored.push(formatSubject({ subnet, ...event }));
        const limit = nodes.length * nodes.length * 3;
        expect(run(nodes, limit)).toBeLessThanOrEqual(limit);
        for (const { name, own, regions, stored } of nodes) {
          const linked = regions.all().map((region) => region.name);
          const wanted = nodes
            .filter((node) => node.name === name || linked.includes(node.name))
            .flatMap((node) => node.own.map((subnet) => formatSubject({ subnet, ...event })));
          expect(stored.toSorted()).toEqual(wanted.toSorted());
          expect(
            stored.filter((subject) => own.some((subnet) => subject.includes(`.${subnet}.`))),
          ).toHaveLength(own.length);
        }
      }),
    );
  });

  test("store nothing that a lying region sends of others, whatever its durable delivers", () => {
    const [, east] = graphOf(
      [1, 1, 1],
      [
        [0, 1],
        [1, 2],
        [2, 0],
      ],
    );
    const admission = new RegionAdmission("r0", (east as Node).regions, NOBODY_CLASSIFIES);
    const of = (subnet: string): string =>
      formatSubject({ subnet, node: "n", name: "ui.notify", version: 1 });
    expect(
      ["s0-0", "s1-0", "s2-0", "s9-0", "constructor"].map((subnet) => admits(admission, of(subnet))),
    ).toEqual([true, false, false, false, false]);
  });
});

describe("RegionAdmission", () => {
  const [, east] = graphOf([1, 1], [[0, 1]]);
  const admission = new RegionAdmission("r0", (east as Node).regions, NOBODY_CLASSIFIES);
  const subject = formatSubject({ subnet: "s0-0", node: "n", name: "ui.notify", version: 1 });
  const msgOf = (envelope: ReturnType<typeof envelopeOf>, headers: Record<string, string> = {}): Msg => {
    const message = messageOfEnvelope(envelope);
    const known = new Map(Object.entries(headers));
    return {
      subject,
      data: message.body,
      headers: { get: (name: string) => known.get(name) ?? "", keys: () => [...known.keys()] },
    } as unknown as Msg;
  };
  const claimed = admission.admitSubject(subject);

  test("refuses an envelope of another tenant", () => {
    const envelope = envelopeOf({ event_name: "ui.notify", source: "x@n", tenant: "acme" });
    expect(() => admission.admit(msgOf(envelope), claimed)).toThrow('envelope says tenant "acme"');
  });

  test("refuses an envelope of another node than its subject's", () => {
    const envelope = envelopeOf({ event_name: "ui.notify", source: "x@m", tenant: "default" });
    expect(() => admission.admit(msgOf(envelope), claimed)).toThrow("is not of the node n");
  });

  test("takes off a signature that nobody here can verify, and keeps the trace", () => {
    const traceparent = "00-11111111111111111111111111111111-2222222222222222-01";
    const signed = { [SIGNATURE_HEADER]: "k1 a b c", traceparent };
    const envelope = envelopeOf({ event_name: "ui.notify", source: "x@n", tenant: "default" });
    expect(admission.admit(msgOf(envelope, signed), claimed).message.headers).toEqual({ traceparent });
  });

  test("refuses replies and what is no event", () => {
    expect(() => admission.admitSubject("rpy.far.s1-0.n.1.s0-0.n.ui.show.v1")).toThrow("may send no reply");
    for (const other of ["", "evt", "evt.s0-0", "rpl.n.d.s0-0.n.ui.notify.v1", "$JS.API.INFO"])
      expect(() => admission.admitSubject(other)).toThrow(MeshError);
  });
});
