import { formatEventRef, type Policy } from "@adaos/core";
import {
  CLEARANCE,
  DEFAULT_DENY,
  type Denial,
  isReplySubject,
  POLICY_DENIED,
  parseSubject,
  RecentMap,
  TENANT_BOUNDARY,
} from "@adaos/core/wire";

/** Subjects of which it is remembered who does not import them. */
const REMEMBERED = 20_000;
/** How often it is told what has been counted. */
const TELL_MS = 5000;

/** An exported event that some subnets do not import. */
interface Unimported {
  readonly denials: readonly Denial[];
  /** Events that were not told of yet, and the last of them. */
  count: number;
  lastId: string;
}

/** By what it is decided, and who is told. */
export interface ImportDenialsOptions {
  readonly policy: Policy;
  /** Tenant of every subnet. It may change. */
  readonly tenants: ReadonlyMap<string, string>;
  readonly onDenied: (denial: Denial, count: number) => void;
}

/**
 * Tells which exported events do not enter which subnets. The servers' filters hold them back before any daemon sees
 * them, so it is the same question asked where they pass: on their way to the root's stream. For an event that was
 * asked about before it costs a look-up and a count.
 */
export class ImportDenials {
  readonly #options: ImportDenialsOptions;
  /** Subjects by this revision of the policy; nothing of one that everybody imports. */
  #remembered = new RecentMap<string, Unimported | typeof EVERYWHERE>(REMEMBERED);
  #revision = 0;
  readonly #untold = new Set<Unimported>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ImportDenialsOptions) {
    this.#options = options;
  }

  /** Counts an event that its subnet has exported. */
  note(subject: string, eventId: string): void {
    const { policy } = this.#options;
    if (this.#revision !== policy.revision) {
      this.#remembered = new RecentMap(REMEMBERED);
      this.#revision = policy.revision;
    }
    const known = this.#remembered.get(subject);
    if (known === EVERYWHERE) return;
    const entry = known ?? this.#ask(subject);
    if (entry === undefined) return;
    entry.count++;
    entry.lastId = eventId;
    // The first is told at once.
    if (known === undefined) return this.#tell(entry);
    if (entry.count === 1) this.#untold.add(entry);
    this.#timer ??= setInterval(() => this.#tellAll(), TELL_MS).unref();
  }

  /** Tells nothing more. */
  close(): void {
    clearInterval(this.#timer);
  }

  #ask(subject: string): Unimported | undefined {
    // A reply passes where its command passed, and every one has a subject of its own.
    if (isReplySubject(subject)) return undefined;
    const { policy, tenants } = this.#options;
    const { subnet: from, name, version } = parseSubject(subject);
    // To tell of denials that were not imported would never end.
    const others = name === POLICY_DENIED ? [] : [...tenants.keys()].filter((other) => other !== from);
    const denials = others.flatMap((subnet): Denial[] => {
      const decision = policy.decide({ verb: "import", subnet, from }, name, version);
      if (decision.allowed) return [];
      const { rule, reason } = decision;
      const event = formatEventRef(name, version);
      const everyday = isStanding(rule) ? { isEveryday: true as const } : {};
      return [{ hop: "import", node: subnet, event, from, rule, reason, ...everyday }];
    });
    const entry = denials.length === 0 ? undefined : { denials, count: 0, lastId: "" };
    this.#remembered.set(subject, entry ?? EVERYWHERE);
    return entry;
  }

  #tellAll(): void {
    for (const entry of this.#untold) this.#tell(entry);
    this.#untold.clear();
  }

  #tell(entry: Unimported): void {
    const { denials, count, lastId: eventId } = entry;
    entry.count = 0;
    for (const denial of denials) this.#options.onDenied({ ...denial, eventId }, count);
  }
}

const EVERYWHERE = "everywhere";

/** What holds without anybody having forbidden this event. */
function isStanding(rule: string): boolean {
  return rule === DEFAULT_DENY || rule === CLEARANCE || rule === TENANT_BOUNDARY;
}
