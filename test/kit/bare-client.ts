import { connect, type NatsConnection, nkeyAuthenticator } from "nats";

/** On a busy machine a server may give up a client that signs too late. */
const ATTEMPTS = 3;

/** A NATS client without any of our code, which remembers what the server refuses it. */
export class BareClient {
  readonly nc: NatsConnection;
  readonly refused: { operation: string; subject: string }[] = [];

  constructor(nc: NatsConnection) {
    this.nc = nc;
    void this.#watch();
  }

  static async open(url: string, seed: string, inboxPrefix: string): Promise<BareClient> {
    const authenticator = nkeyAuthenticator(new TextEncoder().encode(seed));
    const options = { servers: url, authenticator, inboxPrefix, reconnect: false };
    for (let attempts = ATTEMPTS; ; attempts--) {
      try {
        return new BareClient(await connect(options));
      } catch (thrown) {
        if (attempts === 1) throw thrown;
      }
    }
  }

  /** Messages that came over the wire, whether or not anything here had asked for them. */
  get received(): number {
    return this.nc.stats().inMsgs;
  }

  hasRefused(operation: string, subject: string): boolean {
    return this.refused.some((refusal) => refusal.operation === operation && refusal.subject === subject);
  }

  async #watch(): Promise<void> {
    for await (const { permissionContext } of this.nc.status()) {
      if (permissionContext !== undefined) this.refused.push(permissionContext);
    }
  }
}
