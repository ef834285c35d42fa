import type { DataClass } from "../language/data-class.ts";
import type { EventKind } from "../language/envelope.ts";
import type { EventPattern } from "../language/event-pattern.ts";
import type { PolicyVerb } from "./policy.ts";
import type { Rate, RateLimit } from "./rate-limits.ts";

/**
 * `synced`: on disk before an ack. `relaxed`: in the operating system's cache; a power cut may lose the last 2 minutes.
 */
export type Durability = "synced" | "relaxed";

/** A whole mesh as `mesh.yaml` declares it, checked. */
export interface Mesh {
  readonly name: string;
  readonly durability: Durability;
  readonly subnets: ReadonlyMap<string, Subnet>;
  /** Rules that come before the lists of subnets and members; the first match wins. */
  readonly policy: readonly DeclaredRule[];
  /** Other meshes with which the root exchanges events. @default none */
  readonly regions?: ReadonlyMap<string, Region>;
}

/** Another mesh, as this one knows it: a root with subnets of its own, and another operator. */
export interface Region {
  /** Name of that mesh. */
  readonly name: string;
  /** Of the events that go there and of those that come from there. */
  readonly tenant: string;
  /** Classes of data that may go there. */
  readonly clearance: readonly DataClass[];
  /** Events of own subnets that go there, once they are exported to the root. */
  readonly exports: readonly EventPattern[];
  /** Events that come from there. */
  readonly imports: readonly EventPattern[];
  /** The subnets whose events come from there, with their members; undefined: any member. */
  readonly subnets: ReadonlyMap<string, ReadonlySet<string> | undefined>;
}

/** The subnets of all other regions, as origins of events. Pure. */
export function foreignSubnets({ regions }: Pick<Mesh, "regions">): Pick<Subnet, "name" | "tenant">[] {
  return [...(regions?.values() ?? [])].flatMap(({ tenant, subnets }) =>
    [...subnets.keys()].map((name) => ({ name, tenant })),
  );
}

export interface Subnet {
  readonly name: string;
  /** Events of one tenant enter the subnets of another only by a rule that names their origin. */
  readonly tenant: string;
  /** Classes of other subnets' data that may enter this one. @default none */
  readonly clearance?: readonly DataClass[];
  /** Events that may leave for the root. */
  readonly exports: readonly EventPattern[];
  /** Events that may enter from the root. */
  readonly imports: readonly EventPattern[];
  /** Limit of its uplink; more events wait in the subnet's stream. */
  readonly exportLimit?: Rate | undefined;
  /** Undefined: its events are not signed. */
  readonly signatures?: SignatureRules | undefined;
  readonly members: ReadonlyMap<string, Member>;
  /** Its hub and members run on another machine. */
  readonly remote?: true | undefined;
}

/** How the events of a subnet are signed. */
export interface SignatureRules {
  /** Id of the key that signs; one of those accepted. */
  readonly sign: string;
  readonly accept: readonly string[];
  readonly maxAgeMs: number;
  readonly required: boolean;
}

export interface Member {
  readonly name: string;
  /** Names that rules may use instead of the member's name. */
  readonly roles: readonly string[];
  readonly publish: readonly EventPattern[];
  readonly subscribe: readonly EventPattern[];
  /** Publish limits; a publish above them is refused. */
  readonly limits?: readonly RateLimit[] | undefined;
  /** It runs on another machine than its hub. */
  readonly remote?: true | undefined;
}

/** The tenant of a subnet that names none, and of its events. */
export const DEFAULT_TENANT = "default";

/** A rule of a mesh's policy. A condition that is left out matches everything. */
export interface DeclaredRule {
  readonly id: string;
  readonly effect: "allow" | "deny";
  readonly verbs: readonly PolicyVerb[];
  readonly events: readonly EventPattern[];
  readonly kinds?: readonly EventKind[];
  readonly subnets?: readonly string[];
  readonly tenants?: readonly string[];
  /** With `publish` and `subscribe` only, as `roles`. */
  readonly members?: readonly string[];
  readonly roles?: readonly string[];
  /** With `import` only: the origin of the event. */
  readonly from?: { readonly subnets?: readonly string[]; readonly tenants?: readonly string[] };
}
