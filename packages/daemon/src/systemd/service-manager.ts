import { execFile } from "node:child_process";
import type { Logger } from "@adaos/core";
import { every } from "@adaos/core/wire";
import type { NodeStatus } from "../status-server.ts";
import { NOTHING_TOLD, planNotification, type Told } from "./notification.ts";

/** Sends assignments to the socket of a service manager. Rejects when they did not arrive. */
export type SendNotification = (socket: string, lines: readonly string[]) => Promise<void>;

export interface ServiceManagerOptions {
  /** A path, or with `@` first an abstract socket. */
  readonly socket: string;
  /** The manager ends this process after so long without a beat; undefined: never. */
  readonly watchdogMs: number | undefined;
  readonly log: Pick<Logger, "warn">;
  /** @default the program systemd-notify */
  readonly send?: SendNotification;
}

/** How often the status is looked at until the process is ready, and then: each look wakes an idle process. */
const START_LOOK_MS = 500;
const LOOK_MS = 2500;
const DEFAULT_WATCHDOG_MS = 60_000;
const MAX_WATCHDOG_MS = 3_600_000;
const BEATS_PER_LIMIT = 3;
const SEND_LIMIT_MS = 5000;

/**
 * Tells systemd how this process is: that it is ready, a line of status, and by beats that its parts work. One message
 * is on its way at a time; what comes meanwhile waits for the next look.
 */
export class ServiceManager {
  readonly #options: ServiceManagerOptions;
  readonly #beatMs: number;
  #told: Told = NOTHING_TOLD;
  #lastBeatMs = Number.NEGATIVE_INFINITY;
  #sending: Promise<void> | undefined;
  #stopLooking: () => void = () => undefined;
  #hasFailed = false;

  constructor(options: ServiceManagerOptions) {
    this.#options = options;
    this.#beatMs = Math.round((options.watchdogMs ?? DEFAULT_WATCHDOG_MS) / BEATS_PER_LIMIT);
  }

  /**
   * The manager that has started this process; undefined when there is none. Removes its variables from the
   * environment: a child that inherited them would speak in the name of this process.
   */
  static take(env: NodeJS.ProcessEnv, log: Pick<Logger, "warn">): ServiceManager | undefined {
    const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: usec, WATCHDOG_PID: pid } = env;
    for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) delete env[name];
    if (socket === undefined || !/^[/@]./.test(socket)) return undefined;
    const isForUs = pid === undefined || Number(pid) === process.pid;
    const watchdogMs = Math.floor(Number(usec) / 1000);
    const isLimit = isForUs && watchdogMs >= 1 && watchdogMs <= MAX_WATCHDOG_MS;
    return new ServiceManager({ socket, watchdogMs: isLimit ? watchdogMs : undefined, log });
  }

  /** Reports this status from now on, and beats while no part is stuck. */
  follow(status: () => Pick<NodeStatus, "ready" | "stuck" | "parts">): void {
    this.#stopLooking();
    const look = (): void => this.#look(status());
    this.#stopLooking = every(START_LOOK_MS, () => {
      look();
      if (!this.#told.ready) return;
      this.#stopLooking();
      this.#stopLooking = every(LOOK_MS, look);
    });
    look();
  }

  /** Reports that the process stops on request. Resolves when systemd knows it; never rejects. */
  async stopping(): Promise<void> {
    this.#stopLooking();
    await this.#sending;
    await this.#send(["STOPPING=1", "STATUS=stopping"]);
  }

  #look(status: Pick<NodeStatus, "ready" | "stuck" | "parts">): void {
    if (this.#sending !== undefined) return;
    const nowMs = performance.now();
    const isDue = nowMs - this.#lastBeatMs >= this.#beatMs - START_LOOK_MS;
    const { lines, told } = planNotification(status, this.#told, isDue ? this.#beatMs : undefined);
    if (lines.length === 0) return;
    const sent = this.#send(lines).then((arrived) => {
      this.#sending = undefined;
      // A message that was lost is due again at the next look.
      if (!arrived) return;
      this.#told = told;
      if (isDue) this.#lastBeatMs = nowMs;
    });
    this.#sending = sent;
  }

  /** Whether it arrived. */
  async #send(lines: readonly string[]): Promise<boolean> {
    const { socket, log, send = sendByProgram } = this.#options;
    try {
      await send(socket, lines);
      this.#hasFailed = false;
      return true;
    } catch (err) {
      // Once for each fault: a look follows every half second.
      if (!this.#hasFailed) log.warn({ err, socket }, "systemd not notified");
      this.#hasFailed = true;
      return false;
    }
  }
}

/**
 * By the program systemd-notify, since Node opens no datagram sockets of the Unix domain. The program waits until the
 * manager has read the message, so that the manager still finds whose child it is.
 */
function sendByProgram(socket: string, lines: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = { NOTIFY_SOCKET: socket, PATH: process.env["PATH"] };
    execFile("systemd-notify", [...lines], { env, timeout: SEND_LIMIT_MS }, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}
