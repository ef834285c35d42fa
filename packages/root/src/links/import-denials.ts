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

/** Number of subjects whose denials are cached. */
const REMEMBERED = 20_000;
/** Interval of reports of counted denials. */
const REPORT_MS = 5000;

/** An exported event that some subnets do not import. */
interface Unimported {
  readonly denials: readonly Denial[];
  /** Number of unreported events, and the last of them. */
  count: number;
  lastId: string;
}

/** The facts to decide by, and the receiver of reports. */
export interface ImportDenialsOptions {
  readonly policy: Policy;
  /** Tenant of every subnet. It may change. */
  readonly tenants: ReadonlyMap<string, string>;
  readonly onDenied: (denial: Denial, count: number) => void;
}

/**
 * Reports exported events that do not enter a subnet. The servers' filters drop them before any daemon sees them. So
 * the uplink evaluates the same rules, on the events' way to the root's stream. For a known subject this costs a
 * look-up and a count.
 */
export class ImportDenials {
  readonly #options: ImportDenialsOptions;
  /** Denials by subject, or `EVERYWHERE` when all subnets import it, by this revision of the policy. */
  #remembered = new RecentMap<string, Unimported | typeof EVERYWHERE>(REMEMBERED);
  #revision = 0;
  readonly #unreported = new Set<Unimported>();
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
    // The first denial is reported at once.
    if (known === undefined) return this.#report(entry);
    if (entry.count === 1) this.#unreported.add(entry);
    this.#timer ??= setInterval(() => this.#reportAll(), REPORT_MS).unref();
  }

  /** Ends all reports. */
  close(): void {
    clearInterval(this.#timer);
  }

  #ask(subject: string): Unimported | undefined {
    // A reply passes where its command passed, and every reply has another subject.
    if (isReplySubject(subject)) return undefined;
    const { policy, tenants } = this.#options;
    const { subnet: from, name, version } = parseSubject(subject);
    // Reports about reports of denials would never end.
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

  #reportAll(): void {
    for (const entry of this.#unreported) this.#report(entry);
    this.#unreported.clear();
  }

  #report(entry: Unimported): void {
    const { denials, count, lastId: eventId } = entry;
    entry.count = 0;
    for (const denial of denials) this.#options.onDenied({ ...denial, eventId }, count);
  }
}

const EVERYWHERE = "everywhere";

/** Whether a rule applies without an explicit denial of this event. */
function isStanding(rule: string): boolean {
  return rule === DEFAULT_DENY || rule === CLEARANCE || rule === TENANT_BOUNDARY;
}
