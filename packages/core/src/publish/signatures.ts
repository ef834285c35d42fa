import type { Envelope } from "../language/envelope.ts";
import { MeshError } from "../language/errors.ts";
import { quote } from "../language/event-name.ts";
import type { Message } from "../transport.ts";
import {
  isSignedBy,
  parseSignature,
  SIGNATURE_HEADER,
  type Signature,
  type SignatureKey,
  signatureOf,
} from "./signature.ts";

/** A subnet's signing rules and keys, as far as the node has them. */
export interface SubnetSignatures {
  /** Id of the key that signs; undefined where the node only verifies. */
  readonly sign: string | undefined;
  /** Accepted keys by their ids; the signing key is among them. */
  readonly keys: ReadonlyMap<string, SignatureKey>;
  /** Longest time between an event's `ts` and its storage in its subnet's stream. */
  readonly maxAgeMs: number;
  /** Whether events without a signature are refused. */
  readonly required: boolean;
}

/** Ids of the rules in refusals. */
const BAD = "signature";
const TOO_OLD = "signature-age";
/** How far a clock may be ahead; Kerberos allows the same (RFC 4120). */
const AHEAD_MS = 300_000;

/** Signs and verifies events by the keys of a node. A subnet that is not in the list signs nothing. */
export class Signatures {
  #bySubnet: ReadonlyMap<string, SubnetSignatures>;
  readonly #knowsAll: boolean;

  /** @param knowsAll False: subnets outside the list may sign too. Their signed events are refused. */
  constructor(bySubnet: ReadonlyMap<string, SubnetSignatures> = new Map(), knowsAll = true) {
    this.#bySubnet = bySubnet;
    this.#knowsAll = knowsAll;
  }

  /** Replaces the keys for all later calls. */
  replace(bySubnet: ReadonlyMap<string, SubnetSignatures>): void {
    this.#bySubnet = bySubnet;
  }

  /** The message with its subnet's signature; unchanged where the subnet does not sign. */
  sign(subnet: string, message: Message, envelope: Pick<Envelope, "event_id" | "ts">): Message {
    const known = this.#bySubnet.get(subnet);
    if (known?.sign === undefined) return message;
    const key = known.keys.get(known.sign);
    if (key === undefined) throw new MeshError("internal", `no key ${known.sign} of ${subnet} to sign with`);
    const told = { eventId: envelope.event_id, ts: envelope.ts };
    const signature = signatureOf(message, told, known.sign, key);
    return { ...message, headers: { ...message.headers, [SIGNATURE_HEADER]: signature } };
  }

  /**
   * Verifies a message before its body is read. Throws `denied` (rule `signature` or `signature-age`).
   * @param subnet The subnet of its publisher, by its subject.
   * @param storedMs When its own subnet's stream stored it. Given only where the event first comes in, so that an
   *   event that waited or is replayed stays valid.
   * @returns The values that the body must repeat; undefined where the event is not signed and need not be.
   */
  verify(
    subnet: string,
    message: Pick<Message, "subject" | "headers" | "body">,
    storedMs?: number,
  ): Signature | undefined {
    const known = this.#bySubnet.get(subnet);
    const header = message.headers[SIGNATURE_HEADER];
    if (known === undefined) {
      if (this.#knowsAll || header === undefined) return undefined;
      throw refusal(
        BAD,
        subnet,
        "it is signed, and this machine has no key of its subnet; join with a new code",
      );
    }
    if (header === undefined) {
      if (!known.required) return undefined;
      throw refusal(BAD, subnet, "it is not signed");
    }
    const signature = parseSignature(header);
    if (signature === undefined) throw refusal(BAD, subnet, `its ${SIGNATURE_HEADER} is none`);
    const key = known.keys.get(signature.keyId);
    if (key === undefined)
      throw refusal(BAD, subnet, `the key ${quote(signature.keyId)} is not among those accepted`);
    if (!isSignedBy(message, signature, key)) {
      throw refusal(BAD, subnet, `its signature is not that of the key ${signature.keyId}`);
    }
    if (storedMs !== undefined) assertAge(subnet, storedMs - Date.parse(signature.ts), known.maxAgeMs);
    return signature;
  }
}

/** Throws `denied` when an envelope differs from its signature. */
export function assertSigned(envelope: Envelope, signature: Signature | undefined): void {
  if (signature === undefined) return;
  if (envelope.event_id === signature.eventId && envelope.ts === signature.ts) return;
  throw new MeshError("denied", "envelope has another event_id or ts than its signature", { rule: BAD });
}

/** An unknown age is refused too. */
function assertAge(subnet: string, ageMs: number, maxAgeMs: number): void {
  if (ageMs <= maxAgeMs && ageMs >= -AHEAD_MS) return;
  const seconds = Math.round(ageMs / 1000);
  const why =
    ageMs < 0
      ? `its ts was ${-seconds} s ahead when it was stored, ${AHEAD_MS / 1000} are allowed; set its publisher's clock`
      : `its ts was ${seconds} s old when it was stored, ${maxAgeMs / 1000} are allowed (maxAgeMs)`;
  throw refusal(TOO_OLD, subnet, why);
}

function refusal(rule: string, subnet: string, why: string): MeshError {
  return new MeshError("denied", `an event of ${subnet} is refused: ${why}; rule ${rule}`, { rule });
}
