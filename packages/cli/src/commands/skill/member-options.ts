import type { StateOptions } from "../../options/options.ts";

/** Options of every command about the skills of members. */
export interface MemberOptions extends StateOptions {
  /** `alpha/kitchen` */
  readonly as?: string;
}
