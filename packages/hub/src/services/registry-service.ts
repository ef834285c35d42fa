import { type Logger, MeshError } from "@adaos/core";
import {
  type Figure,
  messageOf,
  PeerClocks,
  programText,
  REGISTRY_OFFER,
  ROOT_DOMAIN,
  whyApart,
} from "@adaos/core/wire";
import type { Part, PartHealth } from "@adaos/daemon";
import {
  BundleCache,
  type BundleHeading,
  headingOf,
  PartialBundle,
  partOf,
  type RegistryBundle,
  shortHash,
} from "@adaos/registry";
import {
  type Connection,
  clockIn,
  programHeaders,
  programIn,
  type RegistryOffer,
  type RegistryOfferReply,
  type RegistryReply,
} from "@adaos/transport-nats";
import type { Subscription } from "nats";
import { z } from "zod";
import { parseRequest } from "./parse-request.ts";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const offset = z.number().int().min(0);

const registryRequest = z.strictObject({ part: z.strictObject({ digest: sha256, offset }).exactOptional() });

const offerSchema: z.ZodType<RegistryOffer> = z.strictObject({
  root: z.string().min(1).max(63),
  hash: sha256,
  digest: sha256,
  bytes: z.number().int().min(1),
  part: z.strictObject({ offset, base64: z.string() }).exactOptional(),
});

/** The hub follows one of several root daemons until it is silent for this long: their folders may differ. */
const ROOT_SILENT_MS = 10_000;

/** Stores the registry that the root offers, and serves it to the members of the subnet. */
export class RegistryService implements Part {
  readonly name = "registry";
  readonly #connection: Connection;
  readonly #cache: BundleCache;
  readonly #log: Logger;
  #subscription: Subscription | undefined;
  #bundle: RegistryBundle | undefined;
  #root: { readonly node: string; heardMs: number; hash: string } | undefined;
  /** The program of the root daemon that offered last. */
  #rootProgram: string | undefined;
  readonly #clocks = new PeerClocks();
  #arriving: PartialBundle | undefined;
  #refused: { readonly digest: string; readonly reason: string } | undefined;

  /** @param cacheFile Not given: after a restart there is no registry until the root offers one. */
  constructor(connection: Connection, cacheFile: string | undefined, log: Logger) {
    this.#connection = connection;
    this.#cache = new BundleCache(cacheFile, log);
    this.#log = log;
  }

  async start(): Promise<void> {
    this.#bundle = await this.#cache.read();
    if (this.#bundle !== undefined) this.#log.info({ hash: this.#bundle.registry.hash }, "registry loaded");
    this.#subscription = this.#connection.nc.subscribe(REGISTRY_OFFER, {
      callback: (error, msg) => {
        if (error !== null) return;
        const program = programIn(msg);
        this.#clocks.noteRequest(ROOT_DOMAIN, clockIn(msg));
        if (program !== undefined) this.#rootProgram = programText(program);
        const apart = whyApart("the root", program);
        const answer =
          apart === undefined ? this.#answerOffer(msg.data) : Promise.resolve({ refused: apart });
        void answer.then((reply) => {
          if (this.#connection.nc.isClosed()) return;
          msg.respond(JSON.stringify(reply), { headers: programHeaders() });
        });
      },
    });
  }

  async stop(): Promise<void> {
    this.#subscription?.unsubscribe();
  }

  health(): PartHealth {
    const hash = this.#bundle?.registry.hash;
    const atRoot = this.#root?.hash;
    const program = this.#rootProgram === undefined ? {} : { programs: { root: this.#rootProgram } };
    const details = { hash: hash ?? null, root: atRoot ?? null, ...program, clocks: this.#clocks.off() };
    const here = hash === undefined ? "none" : shortHash(hash);
    if (atRoot === undefined || atRoot === hash) return { ready: true, note: `registry ${here}`, details };
    const why = this.#refused === undefined ? "is on its way" : `is not taken: ${this.#refused.reason}`;
    const note = `registry other: ${here} here, ${shortHash(atRoot)} at the root, which ${why}`;
    return { ready: true, note, details };
  }

  /** Whether the registry declares version 1 of an event; undefined while there is no registry. */
  declares(name: string): boolean | undefined {
    return this.#bundle?.registry.events.some((event) => event.name === name && event.version === 1);
  }

  figures(): readonly Figure[] {
    const hash = this.#bundle?.registry.hash;
    return hash === undefined ? [] : [{ metric: "registryInfo", labels: [hash], value: 1 }];
  }

  /** Answers a member's request. Rejects with `usage`. */
  async serve(request: unknown): Promise<RegistryReply> {
    const { part } = parseRequest(registryRequest, request, "the request for the registry");
    const bundle = this.#bundle;
    if (bundle === undefined) return {};
    const heading = headingOf(bundle);
    if (part === undefined || part.digest !== bundle.digest) return heading;
    return { ...heading, partBase64: Buffer.from(partOf(bundle, part.offset)).toString("base64") };
  }

  async #answerOffer(body: Uint8Array): Promise<RegistryOfferReply> {
    try {
      const offer = parseRequest(offerSchema, JSON.parse(new TextDecoder().decode(body)), "the offer");
      return await this.#onOffer(offer);
    } catch (err) {
      this.#log.warn({ err }, "registry offer refused");
      return { refused: messageOf(err).slice(0, 500) };
    }
  }

  async #onOffer({ root, part, ...heading }: RegistryOffer): Promise<RegistryOfferReply> {
    const nowMs = performance.now();
    const other = this.#root;
    if (other !== undefined && other.node !== root && nowMs - other.heardMs < ROOT_SILENT_MS)
      return { refused: `listens to ${other.node}` };
    this.#root = { node: root, heardMs: nowMs, hash: heading.hash };
    if (heading.digest === this.#bundle?.digest) return { have: heading.digest };
    if (heading.digest === this.#refused?.digest) return { refused: this.#refused.reason };
    return await this.#collect(heading, part);
  }

  async #collect(heading: BundleHeading, part: RegistryOffer["part"]): Promise<RegistryOfferReply> {
    try {
      const before = this.#arriving?.heading.digest === heading.digest ? this.#arriving : undefined;
      // An offer without a part starts again: the parts before it were interrupted.
      const arriving =
        part === undefined || before === undefined ? new PartialBundle(heading, "the root") : before;
      this.#arriving = arriving;
      if (part !== undefined) arriving.add(part.offset, Buffer.from(part.base64, "base64"));
      if (!arriving.isComplete) return { next: arriving.offset };
      this.#arriving = undefined;
      await this.#take(await arriving.read(this.#cache.proof));
      return { have: heading.digest };
    } catch (thrown) {
      const { message: reason } = MeshError.from(thrown, "invalid-config", "the registry cannot be used");
      this.#refused = { digest: heading.digest, reason };
      throw thrown;
    }
  }

  async #take(bundle: RegistryBundle): Promise<void> {
    const before = this.#bundle?.registry.hash;
    this.#bundle = bundle;
    this.#refused = undefined;
    this.#log.info({ before, hash: bundle.registry.hash }, "registry of the root taken");
    await this.#cache.write(bundle);
  }
}
