import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";

const SLICE_MS = 20;

/** A slow line between a client and its server: it has a rate each way, and can be cut. */
export class SlowPath {
  /** Rate each way. */
  bytesPerSecond: number = Number.POSITIVE_INFINITY;
  readonly #serverPort: number;
  readonly #listener: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(serverPort: number) {
    this.#serverPort = serverPort;
    this.#listener = createServer((socket) => this.#onSocket(socket));
  }

  static async start(serverPort: number): Promise<SlowPath> {
    const path = new SlowPath(serverPort);
    await new Promise<void>((resolve) => path.#listener.listen(0, "127.0.0.1", resolve));
    return path;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** Ends every connection, and accepts none until it is restored. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(bytesPerSecond: number): void {
    this.bytesPerSecond = bytesPerSecond;
    this.#isCut = false;
  }

  stop(): void {
    this.#listener.close();
    this.cut();
  }

  #onSocket(socket: Socket): void {
    if (this.#isCut) return void socket.destroy();
    const server = dial(this.#serverPort, "127.0.0.1");
    void this.#carry(socket, server);
    void this.#carry(server, socket);
  }

  /** Until one of both ends. */
  async #carry(from: Socket, to: Socket): Promise<void> {
    this.#sockets.add(from);
    await pipeline(from, (chunks: AsyncIterable<Buffer>) => this.#slowed(chunks), to).catch(() => undefined);
    this.#sockets.delete(from);
    from.destroy();
    to.destroy();
  }

  /** Large chunks arrive little by little, as over a line. */
  async *#slowed(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let freeMs = performance.now();
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; ) {
        const sliceBytes = Math.max(1, Math.floor((this.bytesPerSecond * SLICE_MS) / 1000));
        const slice = chunk.subarray(at, at + sliceBytes);
        at += slice.length;
        freeMs = Math.max(freeMs, performance.now()) + (slice.length / this.bytesPerSecond) * 1000;
        const waitMs = freeMs - performance.now();
        if (waitMs >= 1) await delay(waitMs);
        yield slice;
      }
    }
  }
}
