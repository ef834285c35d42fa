import { formatEventRef, type Policy } from "@adaos/core";
import {
  CLEARANCE,
  DEFAULT_DENY,
  type Denial,
  type EventAddress,
  isReplySubject,
  POLICY_DENIED,
  parseSubject,
  RecentMap,
  TENANT_BOUNDARY,
  TokenBucket,
} from "@adaos/core/wire";

/** Number of subjects whose denials are cached, and of the subnets that all of them may name. */
const REMEMBERED = 20_000;
const REMEMBERED_SUBNETS = 2_000_000;
/**
 * Reports for all subnets together. Without this limit, each event that nobody of a thousand subnets imports would be a
 * thousand reports.
 */
const REPORTS_PER_SECOND = 100;
/** Interval of reports of counted denials. */
const REPORT_MS = 5000;

/** An exported event that some subnets do not import. */
interface Unimported {
  readonly address: Pick<EventAddress, "subnet" | "name" | "version">;
  /** The subnets; its own may be among them. */
  readonly subnets: readonly string[];
  /** Place in that list from which the next report goes on. */
  next: number;
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
  /** Subnets that do not import an event of whatever origin, by event. */
  #byEvent = new RecentMap<string, readonly string[]>(REMEMBERED);
  readonly #bucket = new TokenBucket(REPORTS_PER_SECOND);
  #revision = -1;
  readonly #unreported = new Set<Unimported>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ImportDenialsOptions) {
    this.#options = options;
  }

  /** Counts an event that its subnet has exported. */
  note(subject: string, eventId: string): void {
    const { policy, tenants } = this.#options;
    if (this.#revision !== policy.revision) {
      const remembered = Math.min(REMEMBERED, Math.ceil(REMEMBERED_SUBNETS / Math.max(1, tenants.size)));
      this.#remembered = new RecentMap(remembered);
      this.#byEvent = new RecentMap(remembered);
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
    const { tenants, policy } = this.#options;
    const address = parseSubject(subject);
    const { subnet: from, name } = address;
    // Reports about reports of denials would never end.
    const isReport = name === POLICY_DENIED;
    const byOrigin = isReport ? [] : [...tenants.keys()].filter((subnet) => policy.importsByOrigin(subnet));
    const denied = byOrigin.filter(
      (subnet) => subnet !== from && this.#decide(subnet, address) !== undefined,
    );
    const alike = isReport ? [] : this.#deniedAnyOrigin(address);
    const subnets = denied.length === 0 ? alike : [...alike, ...denied];
    const isDenied = subnets.length > 1 || (subnets.length === 1 && subnets[0] !== from);
    const entry = isDenied ? { address, subnets, next: 0, count: 0, lastId: "" } : undefined;
    this.#remembered.set(subject, entry ?? EVERYWHERE);
    return entry;
  }

  /** The subnets whose rules are the same for each origin: asked once for all origins. */
  #deniedAnyOrigin({ name, version }: EventAddress): readonly string[] {
    const { policy, tenants } = this.#options;
    const event = formatEventRef(name, version);
    const known = this.#byEvent.get(event);
    if (known !== undefined) return known;
    const denied = [...tenants.keys()].filter((subnet) => {
      return (
        !policy.importsByOrigin(subnet) && !policy.decide({ verb: "import", subnet }, name, version).allowed
      );
    });
    this.#byEvent.set(event, denied);
    return denied;
  }

  /** Why a subnet does not import an event; undefined when it does. */
  #decide(subnet: string, { subnet: from, name, version }: Unimported["address"]): Denial | undefined {
    const decision = this.#options.policy.decide({ verb: "import", subnet, from }, name, version);
    if (decision.allowed) return undefined;
    const { rule, reason } = decision;
    const event = formatEventRef(name, version);
    const everyday = isStanding(rule) ? { isEveryday: true as const } : {};
    return { hop: "import", node: subnet, event, from, rule, reason, ...everyday };
  }

  #reportAll(): void {
    for (const entry of this.#unreported) this.#report(entry);
    this.#unreported.clear();
  }

  /** With very many subnets, the next report of the event goes to those that this one leaves out. */
  #report(entry: Unimported): void {
    const { address, subnets, count, lastId: eventId, next: first } = entry;
    entry.count = 0;
    for (let i = 0; i < subnets.length; i++) {
      entry.next = (first + i) % subnets.length;
      const subnet = subnets[entry.next] ?? "";
      if (subnet === address.subnet) continue;
      if (this.#bucket.available(performance.now()) < 1) return;
      const denial = this.#decide(subnet, address);
      if (denial === undefined) continue;
      this.#bucket.spend(1);
      this.#options.onDenied({ ...denial, eventId }, count);
    }
    entry.next = first;
  }
}

const EVERYWHERE = "everywhere";

/** Whether a rule applies without an explicit denial of this event. */
function isStanding(rule: string): boolean {
  return rule === DEFAULT_DENY || rule === CLEARANCE || rule === TENANT_BOUNDARY;
}
