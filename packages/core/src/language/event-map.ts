/**
 * Data types by event and version, for example `"ui.notify@1"`. Empty here: the generated file of a registry
 * (`_dist/events.d.ts`) adds its events by declaration merging, and `publish` and `subscribe` are then checked.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface EventMap {}

type KnownRef = keyof EventMap & string;
type VersionsOf<Name extends string> = Extract<KnownRef, `${Name}@${number}`>;

/**
 * The data of an event named with or without its version. `unknown` for a name that is unknown at compile time or
 * missing in the loaded registry types.
 */
export type EventData<Ref extends string> = string extends Ref
  ? unknown
  : Ref extends keyof EventMap
    ? EventMap[Ref]
    : [VersionsOf<Ref>] extends [never]
      ? unknown
      : EventMap[VersionsOf<Ref>];

/** The data of the reply to a command: the event of its name with `.result`. */
export type ReplyData<Ref extends string> = Ref extends `${infer Name}@${infer Version}`
  ? EventData<`${Name}.result@${Version}`>
  : EventData<`${Ref}.result`>;
