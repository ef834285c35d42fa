import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RecordingLog } from "../../../../test/kit/stand-ins.ts";
import { ServiceManager } from "./service-manager.ts";

const READY = { ready: true, parts: { links: { ready: true } } };
const WAITING = { ready: false, parts: { links: { ready: false, reason: "waits" } } };
const STUCK = { ...WAITING, stuck: { links: "has got nowhere" } };

let log: RecordingLog;
let sent: string[][];
let arrives: boolean;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
  log = new RecordingLog();
  sent = [];
  arrives = true;
});

afterEach(() => vi.useRealTimers());

function manager(watchdogMs: number | undefined = 30_000): ServiceManager {
  const send = async (_: string, lines: readonly string[]): Promise<void> => {
    if (!arrives) throw new Error("spawn systemd-notify ENOENT");
    sent.push([...lines]);
  };
  return new ServiceManager({ socket: "/run/n", watchdogMs, log, send });
}

const beats = (): number => sent.flat().filter((line) => line === "WATCHDOG=1").length;

describe("ServiceManager.take()", () => {
  test("is undefined without a manager, and for what is no address", () => {
    expect(ServiceManager.take({}, log)).toBeUndefined();
    expect(ServiceManager.take({ NOTIFY_SOCKET: "" }, log)).toBeUndefined();
    expect(ServiceManager.take({ NOTIFY_SOCKET: "vsock:2:1234" }, log)).toBeUndefined();
  });

  test.each(["/run/systemd/notify", "@abstract"])(
    "removes its variables from the environment: %s",
    (socket) => {
      const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "30000000", WATCHDOG_PID: "1", PATH: "/bin" };
      expect(ServiceManager.take(env, log)).toBeInstanceOf(ServiceManager);
      expect(env).toEqual({ PATH: "/bin" });
    },
  );
});

describe("ServiceManager", () => {
  test("reports readiness, and then beats three times in the watchdog's time", async () => {
    let status: typeof READY | typeof WAITING = WAITING;
    manager().follow(() => status);
    await vi.advanceTimersByTimeAsync(1000);
    expect(sent.flat()).not.toContain("READY=1");
    status = READY;
    await vi.advanceTimersByTimeAsync(1000);
    expect(sent.flat()).toContain("READY=1");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(beats()).toBeGreaterThanOrEqual(6);
    expect(beats()).toBeLessThanOrEqual(9);
  });

  test("does not beat while a part is stuck, and beats again after it", async () => {
    let status: typeof READY | typeof STUCK = READY;
    manager().follow(() => status);
    await vi.advanceTimersByTimeAsync(20_000);
    status = STUCK;
    const before = beats();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(beats()).toBe(before);
    status = READY;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(beats()).toBeGreaterThan(before);
  });

  test("sends a message again that did not arrive, and warns once", async () => {
    arrives = false;
    manager().follow(() => READY);
    await vi.advanceTimersByTimeAsync(3000);
    expect(log.lines.filter(({ event }) => event === "systemd not notified")).toHaveLength(1);
    arrives = true;
    await vi.advanceTimersByTimeAsync(3000);
    expect(sent[0]).toContain("READY=1");
  });

  test("says that it stops, and nothing after that", async () => {
    const one = manager();
    one.follow(() => READY);
    await one.stopping();
    expect(sent.at(-1)).toEqual(["STOPPING=1", "STATUS=stopping"]);
    const before = sent.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent).toHaveLength(before);
  });

  test("stops although nothing arrives", async () => {
    arrives = false;
    const one = manager();
    one.follow(() => WAITING);
    await expect(one.stopping()).resolves.toBeUndefined();
  });
});
