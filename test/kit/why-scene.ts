import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Bus } from "@adaos/client";
import { nodeFilePath, nodeId } from "@adaos/config";
import { newEventId } from "@adaos/core";
import { eventsStream, formatSubject } from "@adaos/core/wire";
import type { Verdict } from "@adaos/operations";
import { StreamPublisher } from "@adaos/transport-nats";
import { expect } from "vitest";
import { type TestMesh, until } from "./mesh.ts";

/**
 * What is asked, in words and as arguments of `adaos why`; the verdict and where, `denied @ beta/desk`; and what else
 * it holds.
 */
export type WhyCase = readonly [what: string, args: string, told: string, more?: Partial<Verdict>];

/** What a bare publisher may get wrong. */
export interface RawEvent {
  readonly as?: string;
  readonly id?: string;
  readonly ts?: string;
  readonly tenant?: string;
  readonly source?: string;
  readonly correlationId?: string;
}

const PATIENCE_MS = 60_000;
const BY_THEIR_COMMAND = /^(adaos |grep )/;

function isLike(verdict: Verdict, wanted: Partial<Verdict>): boolean {
  try {
    expect(verdict).toMatchObject(wanted);
    return true;
  } catch {
    return false;
  }
}

/** A mesh that is asked why, and the book of what was asked. */
export class WhyScene {
  readonly mesh: TestMesh;
  readonly asked = new Set<string>();
  readonly verdicts: Verdict[] = [];
  readonly #run: (args: readonly string[]) => Promise<string>;

  /** @param run Runs `adaos` in this process: a hundred processes would take minutes to start. */
  constructor(mesh: TestMesh, run: (args: readonly string[]) => Promise<string>) {
    this.mesh = mesh;
    this.#run = run;
  }

  async ask(args: string): Promise<Verdict[]> {
    const told = await this.#run(["why", ...args.split(" "), "--json", "--state", this.mesh.state]);
    return told
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Verdict);
  }

  /** Asks until each has its verdict, each question once a round; then compares the rest of it. */
  async expect(cases: readonly WhyCase[]): Promise<void> {
    const deadlineMs = Date.now() + PATIENCE_MS;
    let answers = new Map<string, Verdict[]>();
    const found = ([, args, told]: WhyCase): Verdict | undefined =>
      answers.get(args)?.find(({ verdict, to }) => `${verdict} @ ${to}` === told);
    let open = cases;
    const right = new Map<WhyCase, Verdict>();
    while (open.length > 0 && Date.now() < deadlineMs) {
      answers = new Map();
      for (const [, args] of open) {
        // A server of a busy machine may not answer in time: then it is asked again.
        if (!answers.has(args)) answers.set(args, await this.ask(args).catch(() => []));
      }
      for (const one of open) {
        const verdict = found(one);
        if (verdict !== undefined) right.set(one, verdict);
      }
      open = open.filter((one) => !right.has(one));
    }
    const wrong: object[] = open.map(([what, args, told]) => ({
      what,
      told: answers.get(args),
      wanted: told,
    }));
    for (const [[what, , , wanted = {}], verdict] of right) {
      this.verdicts.push(verdict);
      this.asked.add(what);
      const { hop, reason, next } = verdict;
      const isWhole = hop !== "" && reason !== "" && BY_THEIR_COMMAND.test(next);
      if (!isWhole || !isLike(verdict, wanted)) wrong.push({ what, told: verdict, wanted });
    }
    if (wrong.length > 0) throw new Error(`wrong answers: ${JSON.stringify(wrong, undefined, 1)}`);
  }

  /** Stores an event of which no schema, key or policy of the library was asked. */
  async publishRaw(name: string, data: object, more: RawEvent = {}): Promise<string> {
    const {
      as = "alpha/kitchen",
      id = newEventId(Date.now()),
      tenant = "default",
      correlationId = id,
    } = more;
    const [subnet = "", node = ""] = as.split("/");
    const { ts = new Date().toISOString(), source = `test@${node}` } = more;
    const head = { event_id: id, event_name: name, version: 1, kind: "event", ts, source };
    const envelope = { ...head, correlation_id: correlationId, tenant, headers: {}, data };
    const bare = await this.mesh.openMember(as);
    try {
      const publisher = new StreamPublisher(bare);
      const subject = formatSubject({ subnet, node, name, version: 1 });
      await publisher.publish({ subject, id, headers: {}, body: Buffer.from(JSON.stringify(envelope)) });
      await publisher.close();
    } finally {
      await bare.close();
    }
    return id;
  }

  /** Lets processes stand still meanwhile. */
  async whileFrozen(names: readonly string[], look: () => Promise<void>): Promise<void> {
    const go = this.mesh.freeze(...names);
    try {
      await look();
    } finally {
      go();
    }
    await until("the mesh is ready", () => this.mesh.isReady(), 60_000);
  }

  /** Takes a durable away behind the mesh's back. */
  async deleteDurable(of: string, name: string): Promise<void> {
    await this.mesh.asService(of, async (nc) => {
      const { consumers } = await nc.jetstreamManager({ checkAPI: false });
      await consumers.delete(eventsStream(of), name);
    });
  }

  /** Drops all but the last message of a subnet's stream, as its age would. */
  async keepLast(of: string): Promise<void> {
    await this.mesh.asService(of, async (nc) => {
      const { streams } = await nc.jetstreamManager({ checkAPI: false });
      const { state } = await streams.info(eventsStream(of));
      await streams.purge(eventsStream(of), { seq: state.last_seq });
    });
  }

  /** A program whose node file differs from its member's. */
  withFile(as: string, change: (file: Record<string, unknown>) => object): Promise<Bus> {
    const [subnet = "", node = ""] = as.split("/");
    const own = nodeFilePath(this.mesh.state, nodeId({ subnet, node }));
    const config = join(dirname(own), `why-${node}.json`);
    writeFileSync(config, JSON.stringify(change(JSON.parse(readFileSync(own, "utf8")))), { mode: 0o600 });
    return this.mesh.connect(as, { config, waitForServer: true });
  }
}
