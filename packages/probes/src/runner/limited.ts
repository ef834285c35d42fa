import { MeshError } from "@adaos/core";

/** Settles as `action` does. Rejects with `timeout` when that takes longer, or with `closed` when `stop` aborts. */
export function limited<T>(action: Promise<T>, limitMs: number, stop: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      stop.removeEventListener("abort", onStop);
    };
    const onStop = (): void => {
      end();
      reject(new MeshError("closed", "the probe was stopped"));
    };
    const timer = setTimeout(() => {
      end();
      reject(new MeshError("timeout", `no answer in ${limitMs / 1000} s`));
    }, limitMs);
    if (stop.aborted) onStop();
    else stop.addEventListener("abort", onStop, { once: true });
    action.then(resolve, reject).finally(end);
  });
}
