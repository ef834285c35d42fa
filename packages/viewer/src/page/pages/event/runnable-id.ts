const RUNNABLE = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$/;

/**
 * Whether an id can stand in a command as it is: writers choose their ids, and a shell must not meet what they wrote.
 * Pure.
 */
export function runnableId(id: string): boolean {
  return RUNNABLE.test(id);
}
