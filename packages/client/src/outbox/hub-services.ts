import type { Timers, Transport } from "@adaos/core";
import type { Documents } from "@adaos/core/wire";
import type { Hub } from "./outbox-transport-options.ts";

/** The timers of the hub that is connected at each call. */
export function hubTimers(present: () => Transport): Timers {
  return {
    put: async (timer) => present().timers.put(timer),
    list: async () => present().timers.list(),
    remove: async (name) => present().timers.remove(name),
    pause: async (name) => present().timers.pause(name),
    resume: async (name) => present().timers.resume(name),
    trigger: async (name) => present().timers.trigger(name),
  };
}

/** The documents of the hub that is connected at each call. A listener may come before the hub does. */
export function hubDocuments(present: () => Transport, hub: Promise<Hub>): Documents {
  return {
    read: async (key) => present().documents.read(key),
    write: async (writes) => present().documents.write(writes),
    record: async (...record) => present().documents.record(...record),
    onChanged: (listener) => {
      let stop: (() => void) | undefined;
      let isEnded = false;
      const begin = ({ transport }: Hub): void => {
        if (!isEnded) stop = transport.documents.onChanged(listener);
      };
      // Without a hub there are no documents, as every other call says.
      void hub.then(begin, () => undefined);
      return () => {
        isEnded = true;
        stop?.();
      };
    },
  };
}
