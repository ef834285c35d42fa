import type { Place } from "../contender.ts";

/** Source and target of texts. */
export type Way = Pick<Place, "from" | "to">;

export const WITHIN: Way = { from: "solo", to: "solo" };
/** A separate subnet: ten durables cost every stored event, also when nobody pulls from them. */
export const FAN_OUT: Way = { from: "fan", to: "fan" };
export const ACROSS: Way = { from: "alpha", to: "beta" };

/** The differences between scenarios of one kind. */
export interface About {
  readonly id: string;
  readonly title: string;
  readonly way: Way;
  readonly reference: string;
}

/** Default size of a text: that of a short notification. */
export const TEXT_BYTES = 80;
/** Default number of sends in flight. */
export const WINDOW = 2000;
