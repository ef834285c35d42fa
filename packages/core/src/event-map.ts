/**
 * Data types by event and version, for example `"ui.notify@1"`. Empty here: the generated file of a registry
 * (`_dist/events.d.ts`) adds its events by declaration merging, and `publish` and `subscribe` are then checked.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface EventMap {}

type KnownRef = keyof EventMap & string;
type VersionsOf<Name extends string> = Extract<KnownRef, `${Name}@${number}`>;

/** The data of an event named with or without its version; `unknown` where no registry types are loaded. */
export type EventData<Ref extends string> = Ref extends keyof EventMap
  ? EventMap[Ref]
  : [VersionsOf<Ref>] extends [never]
    ? unknown
    : EventMap[VersionsOf<Ref>];
