import type { MeshErrorCode } from "@adaos/core";

/** Exit codes by error code; the numbers are those of BSD's sysexits. */
export const EXIT_CODES: Readonly<Record<MeshErrorCode, number>> = {
  usage: 64,
  "invalid-event": 65,
  "unknown-event": 65,
  "too-large": 65,
  unavailable: 69,
  "no-handler": 69,
  timeout: 69,
  backpressure: 69,
  closed: 69,
  internal: 70,
  failed: 76,
  denied: 77,
  "invalid-config": 78,
};
