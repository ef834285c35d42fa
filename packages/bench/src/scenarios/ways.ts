import type { Place } from "../contender.ts";

/** Where texts come from and go to. */
export type Way = Pick<Place, "from" | "to">;

export const WITHIN: Way = { from: "solo", to: "solo" };
/** A subnet of its own: ten durables cost every event that is stored, also when nobody pulls from them. */
export const FAN_OUT: Way = { from: "fan", to: "fan" };
export const ACROSS: Way = { from: "alpha", to: "beta" };

/** What tells scenarios of one kind apart. */
export interface About {
  readonly id: string;
  readonly title: string;
  readonly way: Way;
  readonly reference: string;
}

/** Size of a text, where nothing else is said: that of a short notification. */
export const TEXT_BYTES = 80;
/** Sends on their way at a time, where nothing else is said. */
export const WINDOW = 2000;
