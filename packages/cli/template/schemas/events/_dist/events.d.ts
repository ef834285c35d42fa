// Generated from registry.yaml and its schemas by adaos events registry generate. Do not edit.
// Of sha256:2c729fd6ce93df05aa709f341b917f34f865d44536b8c8c712e7ce22d2f62721
import "@adaos/core";

/**
 * How warm it is in a room.
 */
export interface HomeTemperatureMeasuredV1 {
  /**
   * Where it was measured.
   */
  room: string;
  /**
   * Degrees Celsius.
   */
  celsius: number;
}

declare module "@adaos/core" {
  interface EventMap {
    "home.temperature.measured@1": HomeTemperatureMeasuredV1;
  }
}
