import type { ClassifiedData } from "../language/data-class.ts";
import { decodeEnvelope, type Envelope } from "../language/envelope.ts";
import { MeshError } from "../language/errors.ts";
import { quote } from "../language/event-name.ts";
import { assertContract, contractOrError } from "../publish/publish.ts";
import { assertSigned, type Signatures } from "../publish/signatures.ts";
import type { Delivery, EventContract, SchemaRegistry } from "../transport.ts";
import {
  type EventAddress,
  isReplaySubject,
  type NodeAddress,
  parseDeliverySubject,
} from "../wire/subject.ts";
import type { FailedDelivery } from "./failure-handling.ts";

/** A delivery that could be read. */
export interface ReadDelivery {
  readonly delivery: Delivery;
  readonly envelope: Envelope;
  readonly address: EventAddress;
  /** The classified parts of its data. */
  readonly classified?: ClassifiedData | undefined;
}

/** A delivery as far as it could be read, and what is wrong with it. */
export interface OpenedDelivery extends FailedDelivery {
  readonly refusal: MeshError | undefined;
  readonly classified?: ClassifiedData | undefined;
  /** The contract of an event that is not refused. */
  readonly contract?: EventContract;
}

/** The means by which a delivery is checked, and the node that checks it. */
export interface Opener {
  readonly address: NodeAddress;
  /** Of the opener's own subnet; of others the link has looked. */
  readonly tenant: string;
  readonly registry: SchemaRegistry;
  /** Not given: nothing is verified. */
  readonly signatures?: Signatures | undefined;
}

/** Parses and checks a delivery in full, since servers store whatever they are sent. */
export function openDelivery(delivery: Delivery, opener: Opener): OpenedDelivery {
  const { address: own, tenant, registry, signatures } = opener;
  let address: EventAddress | undefined;
  let envelope: Envelope | undefined;
  try {
    address = parseDeliverySubject(delivery.message.subject);
    const signature = signatures?.verify(
      address.subnet,
      delivery.message,
      isFirstIngress(delivery, address, own) ? delivery.storedMs : undefined,
    );
    const contract = contractOrError(registry, address);
    const isPlain = !(contract instanceof MeshError) && contract.classified === undefined;
    envelope = decodeEnvelope(delivery.message.body, isPlain);
    assertSigned(envelope, signature);
    assertOrigin(envelope, address);
    if (address.subnet === own.subnet) assertTenant(envelope, tenant);
    if (contract instanceof MeshError) throw contract;
    assertContract(contract, envelope, "validateReceived");
    return { delivery, address, envelope, refusal: undefined, classified: contract.classified, contract };
  } catch (thrown) {
    return {
      delivery,
      address,
      envelope,
      refusal: MeshError.from(thrown, "invalid-event", "delivery cannot be opened"),
    };
  }
}

/** Whether the stream that delivers is the one in which the event was stored first. A replay was there before. */
function isFirstIngress({ message }: Delivery, { subnet }: EventAddress, own: NodeAddress): boolean {
  return subnet === own.subnet && !isReplaySubject(message.subject);
}

/** Throws `denied` when an envelope claims another tenant than that of the subnet it was published in. */
export function assertTenant(envelope: Envelope, tenant: string | undefined): void {
  if (tenant === undefined || envelope.tenant === tenant) return;
  throw new MeshError(
    "denied",
    `envelope says tenant ${quote(envelope.tenant)}, its subnet is of tenant ${tenant}`,
    { rule: "tenant" },
  );
}

/** Throws `invalid-event` when an envelope claims another event or node than its authenticated subject. */
export function assertOrigin(envelope: Envelope, address: EventAddress): void {
  if (envelope.event_name !== address.name || envelope.version !== address.version) {
    throw new MeshError(
      "invalid-event",
      `envelope says ${envelope.event_name}@${envelope.version}, its subject ${address.name}@${address.version}`,
    );
  }
  if (!envelope.source.endsWith(`@${address.node}`)) {
    throw new MeshError(
      "invalid-event",
      `envelope source ${envelope.source} is not of the node ${address.node}`,
    );
  }
}
