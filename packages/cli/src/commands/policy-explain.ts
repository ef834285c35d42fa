import { MeshError, type NodeAddress, parseEventPattern, parseEventRef, parseNodeAddress } from "@adaos/core";
import { Argument, Command } from "commander";
import { EXIT_CODES } from "../exit-codes.ts";
import { jsonOption, stateOption } from "../options.ts";
import { type AskedEvent, eventHop, type Hop, passes, publishHops, subscribeHop } from "../policy/hops.ts";
import type { LoadedPolicy } from "../policy/load-policy.ts";
import { newestVersion } from "../policy/policy-cases.ts";
import { type Terminal, table } from "../terminal.ts";
import { configOption, loadMeantPolicy, type PolicyOptions } from "./policy-options.ts";

type Verb = "publish" | "subscribe" | "export" | "import";

interface ExplainOptions extends PolicyOptions {
  readonly as: string;
  readonly to?: string;
  readonly from?: string;
}

export function policyExplainCommand(terminal: Terminal): Command {
  return new Command("explain")
    .description(
      "may this pass? every question it is asked on its way, with the rule that answers; 77 when not",
    )
    .addArgument(
      new Argument("<verb>", "what is asked").choices(["publish", "subscribe", "export", "import"]),
    )
    .argument("<event>", "event (ui.notify, ui.notify@1); with subscribe a pattern, too")
    .requiredOption("--as <who>", "subnet/member; a subnet with export and import")
    .option("--to <subnet/member>", "with publish: as far as this member's handler")
    .option("--from <subnet>", "with import: where the event was published")
    .addOption(configOption())
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExample:\n  adaos policy explain publish ui.notify --as alpha/kitchen --to beta/desk",
    )
    .action(async (verb: Verb, event: string, options: ExplainOptions) => {
      const loaded = await loadMeantPolicy(options);
      const hops = hopsOf(loaded, verb, event, options);
      const allowed = passes(hops);
      const placeOf = (rule: string): string | undefined => loaded.meshFile.placeOfRule(rule);
      if (options.json === true)
        terminal.out(JSON.stringify({ allowed, hops: hops.map((hop) => jsonOf(hop, placeOf)) }));
      else for (const line of table(hops.map((hop) => rowOf(hop, placeOf)))) terminal.out(line);
      for (const { decision } of hops) {
        if (!decision.allowed && options.json !== true) terminal.say(decision.reason);
      }
      if (!allowed) process.exitCode = EXIT_CODES.denied;
    });
}

function hopsOf(loaded: LoadedPolicy, verb: Verb, event: string, { as, to, from }: ExplainOptions): Hop[] {
  if (to !== undefined && verb !== "publish") throw new MeshError("usage", "--to is for publish only");
  if (from !== undefined && verb !== "import") throw new MeshError("usage", "--from is for import only");
  const { policy } = loaded;
  if (verb === "publish") {
    const target = to === undefined ? undefined : member(loaded, to);
    return publishHops(policy, eventOf(loaded, event), member(loaded, as), target);
  }
  if (verb === "subscribe") return [subscribeHop(policy, parseEventPattern(event), member(loaded, as))];
  const name = subnet(loaded, as);
  if (verb === "export") return [eventHop(policy, { verb, subnet: name }, eventOf(loaded, event))];
  if (from === undefined)
    throw new MeshError("usage", "import needs --from SUBNET: where the event was published");
  return [eventHop(policy, { verb, subnet: name, from: subnet(loaded, from) }, eventOf(loaded, event))];
}

function eventOf({ registry }: LoadedPolicy, text: string): AskedEvent {
  const { name, version = newestVersion(registry, name) } = parseEventRef(text);
  return { name, version };
}

function member({ meshFile }: LoadedPolicy, text: string): NodeAddress {
  const address = parseNodeAddress(text);
  const found = meshFile.mesh.subnets.get(address.subnet)?.members.has(address.node) === true;
  if (!found) throw new MeshError("usage", `the mesh has no member ${text}`);
  return address;
}

function subnet({ meshFile }: LoadedPolicy, text: string): string {
  if (!meshFile.mesh.subnets.has(text)) throw new MeshError("usage", `the mesh has no subnet ${text}`);
  return text;
}

function rowOf({ verb, who, from, decision }: Hop, placeOf: (rule: string) => string | undefined): string[] {
  const holder = from === undefined ? who : `${who} from ${from}`;
  return [verb, holder, decision.allowed ? "allow" : "deny", decision.rule, placeOf(decision.rule) ?? ""];
}

function jsonOf(hop: Hop, placeOf: (rule: string) => string | undefined): object {
  const { decision, ...asked } = hop;
  const place = placeOf(decision.rule);
  return { ...asked, ...decision, ...(place === undefined ? {} : { place }) };
}
