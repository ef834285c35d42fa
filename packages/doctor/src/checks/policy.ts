import { counted } from "@adaos/core/wire";
import { type SeenDenial, seenDenials } from "@adaos/operations";
import { diffPolicies, type LoadedPolicy, lintPolicy, loadPolicy } from "@adaos/policy";
import { declaredHere, notAtTheirFiles, runningPolicy } from "@adaos/supervise";
import type { Finding, Scene } from "../check.ts";

const DENIALS_MS = 3_600_000;
const MAX_TOLD = 5;

/** Whether the mesh file's policy is in force everywhere and means what it says, and who was denied what lately. */
export async function policy(scene: Scene): Promise<readonly Finding[]> {
  const { layout, stateDir } = scene;
  const [late, denied, declared] = await Promise.all([
    notAtTheirFiles(layout.nodes, stateDir),
    Promise.all(scene.open.filter(({ of }) => of !== "root").map((hub) => seenDenials(hub, sinceOf(scene)))),
    declaredFindings(scene),
  ]);
  const applying = late.map((line): Finding => {
    const [about = "", ...why] = line.split(": ");
    const problem = "does not work by what stands in its file";
    return { level: "fault", about, problem, why: why.join(": "), mend: applyCommand(scene) };
  });
  return [...applying, ...declared, ...deniedFindings(denied.flat())];
}

function sinceOf({ nowMs }: Scene): number {
  return nowMs - DENIALS_MS;
}

function applyCommand({ meshFile }: Scene): string {
  return meshFile === undefined ? "adaos status" : `adaos policy apply --config ${meshFile}`;
}

/** The check of files reports a mesh file that cannot be read. */
async function declaredFindings(scene: Scene): Promise<Finding[]> {
  const { layout, meshFile } = scene;
  if (meshFile === undefined) return [];
  const loaded = await readable(meshFile);
  if (loaded === undefined || loaded.meshFile.mesh.name !== layout.mesh) return [];
  const running = runningPolicy(layout, () => undefined);
  const changes = diffPolicies(running, declaredHere(loaded), loaded.events).length;
  const warnings = lintPolicy(loaded);
  const [first] = warnings;
  return [
    ...(changes === 0
      ? []
      : [
          {
            level: "notice",
            about: meshFile,
            problem: "the mesh file is not what is in force",
            why: `${counted(changes, "change")}, which adaos policy diff tells, were not applied`,
            mend: applyCommand(scene),
          } as const,
        ]),
    ...(first === undefined
      ? []
      : [
          {
            level: "notice",
            about: first.place,
            problem: `${counted(warnings.length, "rule")} may not be meant: ${first.rule} ${first.message}`,
            why: "a rule that decides nothing hides that another one is missing",
            mend: `adaos policy check --config ${meshFile}`,
          } as const,
        ]),
  ];
}

async function readable(meshFile: string): Promise<LoadedPolicy | undefined> {
  try {
    return await loadPolicy(meshFile);
  } catch {
    return undefined;
  }
}

/** Reports each repeated denial once, the newest first. */
function deniedFindings(denials: readonly SeenDenial[]): Finding[] {
  const known = new Map<string, SeenDenial>();
  for (const denial of denials)
    known.set([denial.hop, denial.node, denial.event, denial.rule].join(" "), denial);
  const told = [...known.values()].toReversed();
  return told.slice(0, MAX_TOLD).map(({ hop, node, event, rule, reason, since }): Finding => {
    const [subnet = ""] = node.split("/");
    return {
      level: "notice",
      about: node,
      problem: `was denied to ${hop} ${event}`,
      why: `${reason} (${rule}), ${since}`,
      mend: `adaos events tail mesh.policy.denied --at ${subnet} --since 1h`,
    };
  });
}
