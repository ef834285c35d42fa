import type { BridgeRun } from "@adaos/bridge";
import { bridgeIn, bridgeOut, isOneSubject, openForeignServer, subjectsOverlap } from "@adaos/bridge";
import { resolveStateDir } from "@adaos/config";
import { MeshError, parseEventRef } from "@adaos/core";
import type { CloudEventMode, DataClass } from "@adaos/core/wire";
import { DATA_CLASSES } from "@adaos/core/wire";
import { connectMember } from "@adaos/operations";
import { readLayout } from "@adaos/provision";
import { loadRegistry } from "@adaos/registry";
import { untilAsked } from "@adaos/supervise";
import { Command, InvalidArgumentError, Option } from "commander";
import { type StateOptions, stateOption } from "../../options/options.ts";
import { quietLog, type Terminal } from "../../terminal/terminal.ts";

interface BridgeOptions extends StateOptions {
  readonly url: string;
  readonly creds?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly allowPlain?: boolean;
  readonly as: string;
  readonly in?: string;
  readonly refused?: string;
  readonly out?: readonly string[];
  readonly subject?: string;
  readonly clearance: readonly DataClass[];
  readonly mode: CloudEventMode;
  readonly durable: string;
  readonly map: ReadonlyMap<string, string>;
}

/** The routes in and out. */
type Directions = Pick<BridgeOptions, "in" | "out" | "subject" | "refused">;

export function bridgeCloudEventsCommand(terminal: Terminal): Command {
  return new Command("cloudevents")
    .description(
      "carry CloudEvents 1.0 on subjects of a NATS server of yours into the mesh, and events out, until Ctrl-C",
    )
    .requiredOption("--url <url>", "that server: nats://host:port, or tls://")
    .requiredOption("--as <subnet/node>", "the member to be in the mesh")
    .option("--creds <file>", "credentials for that server")
    .option("--ca <file>", "CA of that server's certificate (tls://); by default the CAs that Node knows")
    .option("--cert <file>", "certificate to show to that server")
    .option("--key <file>", "its key")
    .option("--allow-plain", "speak to another machine without TLS")
    .option("--in <subject>", "take CloudEvents from there")
    .option("--refused <subject>", "subject there for messages that the mesh refuses")
    .option("--out <pattern...>", "events to send there: ui.notify, ui.notify@1, ui. or *")
    .option("--subject <subject>", "where to send them")
    .option("--clearance <classes>", "classified data that may go there: pii, secret or both", toClasses, [])
    .addOption(
      new Option("--mode <mode>", "how to send them").choices(["structured", "binary"]).default("structured"),
    )
    .option("--durable <name>", "durable that keeps the position, on both sides", "cloudevents")
    .option(
      "--map <type=event>",
      "which event a type is: com.shop.OrderCreated=shop.order.created@1; as often as needed",
      addMapped,
      new Map(),
    )
    .addOption(stateOption())
    .addHelpText(
      "after",
      "\nExample:\n  adaos bridge cloudevents --url nats://127.0.0.1:4333 --in shop.orders --as alpha/kitchen",
    )
    .action((options: BridgeOptions) => bridge(options, terminal));
}

async function bridge(options: BridgeOptions, terminal: Terminal): Promise<void> {
  const { as, state, in: from, out: patterns = [], subject, mode, durable, map: types, refused } = options;
  const { url, creds, ca: caFile, cert: certFile, key: keyFile, allowPlain = false, clearance } = options;
  assertDirections(options);
  const say = (line: string): void => terminal.say(line);
  const tls = { caFile, certFile, keyFile };
  const foreign = await openForeignServer({ url, creds, tls, allowPlain }, `adaos bridge ${as}`);
  const asked = untilAsked();
  try {
    const bus = await connectMember({ as, state, component: "bridge", log: quietLog(terminal) });
    let run: BridgeRun | undefined;
    try {
      if (subject !== undefined) {
        const { events } = await loadRegistry(readLayout(resolveStateDir(state)).registryDir);
        const sending = { patterns, subject, durable, mode, types, clearance, events, say };
        await bridgeOut(bus, foreign, sending);
      }
      if (from !== undefined)
        run = await bridgeIn(bus, foreign, { subject: from, durable, types, refused, say });
      terminal.out("bridging");
      const closed = foreign.nc.closed().then((cause) => {
        throw new MeshError(
          "unavailable",
          `the connection to the foreign server has ended${cause instanceof Error ? `: ${cause.message}` : ""}`,
        );
      });
      await Promise.race([asked.promise, closed, ...(run === undefined ? [] : [run.ended])]);
    } finally {
      await run?.stop();
      await bus.close();
    }
  } finally {
    await foreign.nc.close();
  }
}

/** Throws `usage` when there is no route, or when messages would go in a circle. */
export function assertDirections({ in: from, out, subject, refused }: Directions): void {
  const meet = (one: string | undefined, other: string | undefined): boolean =>
    one !== undefined && other !== undefined && subjectsOverlap(one, other);
  const problems: readonly (readonly [isSo: boolean, problem: string])[] = [
    [
      from === undefined && out === undefined,
      "nothing to carry; name --in SUBJECT, or --out EVENT and --subject SUBJECT",
    ],
    [(out === undefined) !== (subject === undefined), "--out and --subject need each other"],
    [
      [subject, refused].some((one) => one !== undefined && !isOneSubject(one)),
      "--subject and --refused must be one subject each, without * and >",
    ],
    [
      meet(subject, from) || meet(subject, refused),
      "--subject must be another than --in and --refused, or events would go in a circle",
    ],
    [
      refused !== undefined && (from === undefined || meet(refused, from)),
      "--refused needs --in, and must not be among its subjects, or refused messages would go in a circle",
    ],
  ];
  const [, problem] = problems.find(([isSo]) => isSo) ?? [];
  if (problem !== undefined) throw new MeshError("usage", problem);
}

function toClasses(text: string): readonly DataClass[] {
  const named = text.split(",").map((one) => one.trim());
  const known = DATA_CLASSES.filter((one) => named.includes(one));
  if (known.length === named.length) return known;
  throw new InvalidArgumentError(`must be one or more of ${DATA_CLASSES.join(", ")}, as pii,secret`);
}

function addMapped(text: string, before: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const at = text.lastIndexOf("=");
  if (at < 1)
    throw new InvalidArgumentError("must be TYPE=EVENT, as com.shop.OrderCreated=shop.order.created@1");
  const ref = text.slice(at + 1);
  if (parseEventRef(ref).version === undefined)
    throw new InvalidArgumentError("must name the version: shop.order.created@1");
  return new Map([...before, [text.slice(0, at), ref]]);
}
