import { resolveStateDir } from "@adaos/config";
import {
  decodeEnvelope,
  type Envelope,
  type EventPattern,
  parseEventRef,
  patternMatches,
  type TimerInfo,
} from "@adaos/core";
import { type DeadLetter, parseDeliverySubject } from "@adaos/core/wire";
import { readLayout } from "@adaos/provision";
import { loadRegistry } from "@adaos/registry";
import { keptRegistries } from "./kept-registries.ts";
import { type Masking, maskedByAll } from "./masked-by-all.ts";

/** Masks printed events by the registries of the mesh. No option reveals them: the streams hold the originals. */
export class EventMask {
  /** Every event that a registry of the mesh declares. */
  readonly names: readonly string[];
  readonly #registry: Masking;

  constructor(registry: Masking, names: readonly string[] = []) {
    this.#registry = registry;
    this.names = names;
  }

  /**
   * The mask of the mesh in this state folder. It uses the folder's registry, which may be an older copy, and those
   * that its nodes were served. Rejects with `unavailable` or `invalid-config`.
   * @param say Called for each served registry that cannot be read.
   */
  static async open(state: string | undefined, say: (message: string) => void): Promise<EventMask> {
    const layout = readLayout(resolveStateDir(state));
    const own = await loadRegistry(layout.registryDir);
    const kept = await keptRegistries(layout, say);
    const names = new Set([own, ...kept].flatMap(({ records }) => records.map(({ name }) => name)));
    return new EventMask(maskedByAll([own, ...kept.filter(({ hash }) => hash !== own.hash)]), [...names]);
  }

  /**
   * The envelope as it may be shown. Servers store whatever they are sent: one that claims another event than its
   * subject is masked as both.
   */
  envelope(envelope: Envelope, subject?: string): Envelope {
    const { event_name: name, version, data } = envelope;
    const claimed = this.#registry.mask(name, version, data);
    const address = subject === undefined ? undefined : addressOf(subject);
    if (address === undefined || (address.name === name && address.version === version))
      return { ...envelope, data: claimed };
    const known = this.#registry.mask(address.name, address.version, data);
    return { ...envelope, data: known === data ? claimed : known };
  }

  /** Whether an event has classified fields; without a version, whether one of its versions has. */
  isClassified(name: string, version = 0): boolean {
    return this.#registry.mask(name, version, null) !== null;
  }

  /** Whether a declared event of these patterns has classified fields. */
  isAnyClassified(patterns: readonly EventPattern[]): boolean {
    return this.names.some(
      (name) =>
        patterns.some((pattern) => patternMatches(pattern, name, pattern.version ?? 1)) &&
        this.isClassified(name),
    );
  }

  /** A timer with the data of its event as it may be shown. */
  timer(timer: TimerInfo): TimerInfo {
    // Without data of its own the event has the name and the time.
    if (timer.data === null) return timer;
    const { name, version = 1 } = parseEventRef(timer.event);
    return { ...timer, data: this.#registry.mask(name, version, timer.data) };
  }

  /** The dead letter with its event as it may be shown; unchanged, byte for byte, when nothing of it is masked. */
  deadLetter(entry: DeadLetter): DeadLetter & { readonly masked?: true } {
    const body = this.#body(entry);
    if (body === undefined) return entry;
    return { ...entry, message: { ...entry.message, body_base64: body }, masked: true };
  }

  /** Undefined when the body may be shown as it is. */
  #body({ subject, message }: DeadLetter): string | undefined {
    const address = addressOf(subject);
    let envelope: Envelope;
    try {
      envelope = decodeEnvelope(Buffer.from(message.body_base64, "base64"));
    } catch {
      // A body that cannot be read cannot be masked in part.
      const isPlain =
        address === undefined || this.#registry.mask(address.name, address.version, null) === null;
      return isPlain ? undefined : "";
    }
    const shown = JSON.stringify(this.envelope(envelope, subject));
    return shown === JSON.stringify(envelope) ? undefined : Buffer.from(shown).toString("base64");
  }
}

function addressOf(subject: string): { readonly name: string; readonly version: number } | undefined {
  try {
    return parseDeliverySubject(subject);
  } catch {
    return undefined;
  }
}
