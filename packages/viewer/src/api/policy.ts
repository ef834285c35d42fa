import type { DenialGroup } from "@adaos/operations";
import type { HolderRights, HolderRule } from "@adaos/policy";

/** `GET /api/policy?member=…&passes=…` */
export interface PolicyAnswer {
  /** The mesh file; absent on a machine that has joined another's mesh. */
  readonly file?: string;
  readonly joined_to?: string;
  /** Changes of the mesh file that are not in force. */
  readonly pending: number;
  /** Parts of the mesh that are not reached, and files that cannot be read. */
  readonly notes: readonly string[];
  readonly members: readonly string[];
  readonly rights: readonly Rights[];
  /** Rights that are left out because there are too many. */
  readonly more: number;
}

export interface Rights extends Omit<HolderRights, "rules" | "allowed"> {
  readonly rules: readonly (HolderRule & { readonly place?: string })[];
  /** How many events of the registry pass. */
  readonly count: number;
  /** Which; only with a member named. */
  readonly allowed?: readonly string[];
}

/** `GET /api/policy/explain`: as `adaos policy explain --json`. */
export interface Explanation {
  readonly allowed: boolean;
  readonly known: boolean;
  readonly in_force?: boolean;
  readonly not_in_force?: readonly string[];
  readonly hops: readonly {
    readonly verb: string;
    readonly who: string;
    readonly from?: string;
    readonly allowed: boolean;
    readonly rule: string;
    readonly reason?: string;
    readonly place?: string;
  }[];
}

/** `GET /api/policy/denials` */
export interface DenialsAnswer {
  readonly denials: readonly (DenialGroup & { readonly place?: string })[];
  readonly away: readonly { readonly of: string; readonly reason: string }[];
}
