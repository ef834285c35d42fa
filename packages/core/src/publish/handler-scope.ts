import { AsyncLocalStorage } from "node:async_hooks";

/** Values that a publish inside a handler inherits from the handled event. */
export interface HandlerScope {
  readonly correlationId: string;
  readonly eventId: string;
}

/** Set while a handler runs, also across its awaits. */
export const handlerScope: AsyncLocalStorage<HandlerScope> = new AsyncLocalStorage();
