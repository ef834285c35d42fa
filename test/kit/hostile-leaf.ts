import { connect as dial, type Socket } from "node:net";
import { nkeys } from "nats";
import { until } from "./mesh.ts";

/** A request of the root's server to a hub. */
export interface Asked {
  readonly subject: string;
  /** Subject of the answer. */
  readonly reply: string;
  readonly body: string;
}

/** An answer to a reply subject. */
export interface Sent {
  /** The subject for the receiver's acknowledgement; after `@`, the subject of the message. */
  readonly reply?: string;
  /** Headers after the status line, each with its line end. */
  readonly headers?: string;
  /** `408 Request Timeout` */
  readonly status?: string;
  readonly body?: string | Buffer;
}

/**
 * A fake hub server. It speaks the protocol of leaf connections with a leaf's key, gets a hub's requests, and
 * answers as the test likes, as often as the test likes.
 */
export class HostileLeaf {
  readonly #socket: Socket;
  #pending: Buffer = Buffer.alloc(0);
  #greeted = false;
  #error: string | undefined;
  /** All requests, by verb or the first tokens of their subject. */
  readonly asked = new Map<string, number>();

  private constructor(socket: Socket, subnet: string, seed: string, onAsked: (asked: Asked) => void) {
    this.#socket = socket;
    socket.on("error", (error) => {
      this.#error = error.message;
    });
    socket.on("data", (data: Buffer) => this.#onData(data, subnet, seed, onAsked));
  }

  static async connect(
    port: number,
    subnet: string,
    seed: string,
    onAsked: (asked: Asked) => void,
  ): Promise<HostileLeaf> {
    const socket = dial(port, "127.0.0.1");
    const leaf = new HostileLeaf(socket, subnet, seed, onAsked);
    await until("the root's server has taken the leaf", () => leaf.#greeted);
    return leaf;
  }

  get error(): string | undefined {
    return this.#error;
  }

  /** Bytes that the root's server has not read yet. */
  get backlog(): number {
    return this.#socket.writableLength;
  }

  send(to: string, { reply = "", headers = "", status = "", body = "" }: Sent): void {
    const payload = Buffer.from(body);
    const target = reply === "" ? to : `${to} ${reply}`;
    if (headers === "" && status === "") {
      this.#socket.write(`LMSG ${target} ${payload.length}\r\n`);
    } else {
      const head = Buffer.from(`NATS/1.0${status === "" ? "" : ` ${status}`}\r\n${headers}\r\n`, "latin1");
      this.#socket.write(`HMSG ${target} ${head.length} ${head.length + payload.length}\r\n`);
      this.#socket.write(head);
    }
    this.#socket.write(payload);
    this.#socket.write("\r\n");
  }

  close(): void {
    this.#socket.destroy();
  }

  #onData(data: Buffer, subnet: string, seed: string, onAsked: (asked: Asked) => void): void {
    this.#pending = Buffer.concat([this.#pending, data]);
    for (;;) {
      const end = this.#pending.indexOf("\r\n");
      if (end === -1) return;
      const [verb = "", ...args] = this.#pending.toString("latin1", 0, end).split(" ");
      if (verb === "LMSG" || verb === "HMSG") {
        const size = Number(args.at(-1));
        if (this.#pending.length < end + 2 + size + 2) return;
        const head = verb === "HMSG" ? Number(args.at(-2)) : 0;
        const body = this.#pending.toString("utf8", end + 2 + head, end + 2 + size);
        this.#pending = this.#pending.subarray(end + 4 + size);
        const [subject = "", reply = ""] = args;
        const kind = subject.split(".").slice(0, 5).join(".");
        this.asked.set(kind, (this.asked.get(kind) ?? 0) + 1);
        onAsked({ subject, reply: reply.startsWith("_R_") ? reply : "", body });
        continue;
      }
      this.#pending = this.#pending.subarray(end + 2);
      if (verb === "INFO" && !this.#greeted) this.#greet(JSON.parse(args.join(" ")).nonce, subnet, seed);
      else if (verb === "PING") this.#socket.write("PONG\r\n");
      else if (verb === "-ERR") this.#error = args.join(" ");
    }
  }

  #greet(nonce: string, subnet: string, seed: string): void {
    const key = nkeys.fromSeed(new TextEncoder().encode(seed));
    const sig = Buffer.from(key.sign(new TextEncoder().encode(nonce))).toString("base64url");
    const options = { nkey: key.getPublicKey(), sig, name: "hostile", version: "2.15.1", headers: true };
    this.#socket.write(`CONNECT ${JSON.stringify(options)}\r\nPING\r\n`);
    for (const subject of [`link.${subnet}.>`, `$JS.ACK.EVENTS_${subnet}.root.>`])
      this.#socket.write(`LS+ ${subject}\r\n`);
    this.#greeted = true;
  }
}
