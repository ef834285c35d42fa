import { MeshError, parseEventRef, type SchemaRegistry } from "@adaos/core";
import { messageOf, resolveTimer, type TimerDefinition, type TimerOptions } from "@adaos/core/wire";
import type { MeshFile } from "./mesh-file.ts";

/** The timers of each member in the mesh file, by `subnet/member`. */
export type TimersByMember = ReadonlyMap<string, readonly TimerDefinition[]>;

/** The timers that a mesh file declares, checked against the registry. Throws `invalid-config` with the place. */
export function declaredTimers(meshFile: MeshFile, registry: SchemaRegistry): TimersByMember {
  const byMember = new Map<string, readonly TimerDefinition[]>();
  for (const subnet of meshFile.mesh.subnets.values()) {
    for (const member of subnet.members.keys()) {
      const declared = Object.entries(meshFile.timersOf(subnet.name, member) ?? {});
      if (declared.length === 0) continue;
      const timers = declared.map(([name, timer]) => {
        try {
          return timerOf(name, timer, registry);
        } catch (cause) {
          const place = meshFile.placeOfTimer(subnet.name, member, name);
          throw new MeshError("invalid-config", `${place} timer ${name}: ${messageOf(cause)}`, { cause });
        }
      });
      byMember.set(`${subnet.name}/${member}`, timers);
    }
  }
  return byMember;
}

/** The times of a declared timer, as `resolveTimer` takes them. Pure. */
export function timerOptionsOf({
  cron,
  every,
  at,
  zone,
  jitter,
  catchUp,
  within,
  until,
  times,
}: Omit<DeclaredTimer, "event" | "data" | "overlap">): TimerOptions {
  return {
    ...(cron === undefined ? {} : { cron }),
    ...(every === undefined ? {} : { everyMs: every }),
    ...(at === undefined ? {} : { at }),
    ...(jitter === undefined ? {} : { jitterMs: jitter }),
    ...(within === undefined ? {} : { withinMs: within }),
    ...(until === undefined ? {} : { until }),
    ...(times === undefined ? {} : { times }),
    zone,
    catchUp,
  };
}

type DeclaredTimer = NonNullable<ReturnType<MeshFile["timersOf"]>>[string];

function timerOf(name: string, declared: DeclaredTimer, registry: SchemaRegistry): TimerDefinition {
  const ref = parseEventRef(declared.event);
  const contract = registry.resolve(ref.name, ref.version);
  const sample = declared.data ?? { timer: name, scheduled_at: "2026-01-01T00:00:00.000Z" };
  const [violation] = contract.validate(sample).violations;
  if (violation !== undefined)
    throw new MeshError(
      "invalid-event",
      `data${violation.pointer} of ${declared.event} ${violation.expected}`,
    );
  const options = { ...timerOptionsOf(declared), overlap: declared.overlap };
  // A time that is past has been, and is left in the file.
  return resolveTimer(
    name,
    options,
    { name: contract.name, version: contract.version, kind: contract.kind },
    declared.data,
    0,
  );
}
