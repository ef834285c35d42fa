export { AlertStore } from "./alert-store.ts";
export { Alerts } from "./alerts.ts";
export type { Sample } from "./judge/alert.ts";
export { type AlertRecord, type Silence, silenceOf, type Undelivered } from "./record.ts";
export { endSilence, MAX_SILENCE_MS, newSilence, silencedName, withAlertStore } from "./silence.ts";
export { supervisorSource } from "./sources/beside.ts";
export { type SampleSource, sampleOf } from "./sources/gather.ts";
export { ownSources } from "./sources/own.ts";
