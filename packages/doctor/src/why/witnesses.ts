import { join } from "node:path";
import { peekOutbox } from "@adaos/client";
import { logFilePath, outboxDir, provenRegistryFile } from "@adaos/config";
import type { PolicyAnswer, WhyWitnesses } from "@adaos/operations";
import { askPolicy, type LoadedPolicy, loadPolicy, placeOfAnswer } from "@adaos/policy";
import { meshFileOf, readLayout } from "@adaos/provision";
import { readProof } from "@adaos/registry";
import { askHealth } from "@adaos/supervise";

/** The sources of `adaos why` beside the streams. */
export interface Witnesses extends WhyWitnesses {
  /** The newest version of an event; 1 where the registry does not know it. */
  readonly newest: (name: string) => number;
}

/**
 * Opens the mesh file's policy and the state folder of a mesh. Rejects with `usage` or `invalid-config`.
 * @param configFile Another mesh file than the one that the state folder was made from.
 */
export async function openWitnesses(stateDir: string, configFile?: string): Promise<Witnesses> {
  const layout = readLayout(stateDir);
  const [loaded, { components }] = await Promise.all([
    loadPolicy(meshFileOf(configFile, stateDir), readProof(provenRegistryFile(stateDir))),
    // The readers of the streams ask the servers.
    askHealth(layout, stateDir, async () => undefined),
  ]);
  const members = layout.nodes.filter(({ role }) => role === "member").map(({ id }) => id);
  const roots = layout.nodes.filter(({ role }) => role === "root").map(({ id }) => id);
  const versions = (name: string): number[] =>
    loaded.registry.records.filter((record) => record.name === name).map(({ version }) => version);
  return {
    policy: ({ name, version }, from, to) => answers(loaded, `${name}@${version}`, from, to),
    isInRegistry: ({ name, version }) => versions(name).includes(version),
    newest: (name) => Math.max(1, ...versions(name)),
    health: new Map(components.map(({ name, ready, note }) => [name, { ready, note }])),
    members,
    outbox: (member) => peekOutbox(outboxDir(stateDir, member)),
    refusedFile: (member) => join(outboxDir(stateDir, member), "refused.ndjson"),
    rootLogs: layout.logs === "output" ? [] : roots.map((id) => logFilePath(stateDir, id)),
  };
}

/** Undefined for events of a daemon itself: no rule of a mesh file applies to them. */
function answers(loaded: LoadedPolicy, event: string, from: string, to: string): PolicyAnswer[] {
  if (/\/(hub|root)$/.test(from)) return [];
  return askPolicy(loaded, { verb: "publish", event, as: from, to }).map((hop) => {
    const { verb, who, decision } = hop;
    const place = placeOfAnswer(loaded, hop);
    return {
      verb,
      who,
      allowed: decision.allowed,
      rule: decision.rule,
      ...(decision.allowed ? {} : { reason: decision.reason }),
      ...(place === undefined ? {} : { place }),
    };
  });
}
