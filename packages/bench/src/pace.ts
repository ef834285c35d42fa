import { delay } from "@adaos/core/wire";

/** Starts `count` actions, at most `window` in flight at a time. Rejects with the first failure. */
export async function inWindow(
  count: number,
  window: number,
  act: (index: number) => Promise<unknown>,
): Promise<void> {
  let open = 0;
  let wake = (): void => undefined;
  let failure: unknown;
  const until = async (isFree: () => boolean): Promise<void> => {
    while (failure === undefined && !isFree()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (failure !== undefined) throw failure;
  };
  const done = (): void => {
    open--;
    wake();
  };
  const fail = (thrown: unknown): void => {
    failure ??= thrown;
    done();
  };
  for (let index = 0; index < count; index++) {
    // The pacing must not cost what is measured: no promise unless it has to wait.
    if (open >= window || failure !== undefined) await until(() => open < window);
    open++;
    act(index).then(done, fail);
  }
  await until(() => open === 0);
}

/**
 * Starts `count` actions at a steady rate, whether or not earlier ones have ended. Rejects with the first failure.
 */
export async function atRate(
  count: number,
  perSecond: number,
  act: (index: number) => Promise<unknown>,
): Promise<void> {
  const startMs = performance.now();
  const acting: Promise<unknown>[] = [];
  let failure: unknown;
  for (let index = 0; index < count && failure === undefined; index++) {
    const waitMs = startMs + (index * 1000) / perSecond - performance.now();
    if (waitMs > 0) await delay(Math.ceil(waitMs));
    const acted = act(index).catch((thrown: unknown) => {
      failure ??= thrown;
    });
    acting.push(acted);
  }
  await Promise.all(acting);
  if (failure !== undefined) throw failure;
}
