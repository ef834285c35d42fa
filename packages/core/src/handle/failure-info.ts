import { messageOf } from "../language/errors.ts";

/** An error as it is kept with an event. It is bounded, since it comes from code that is not ours. */
export interface FailureInfo {
  readonly type: string;
  readonly message: string;
  readonly stack: string;
}

const MAX_MESSAGE_LENGTH = 2000;
const MAX_STACK_LENGTH = 8000;

/** Describes anything that was thrown. */
export function failureInfo(thrown: unknown): FailureInfo {
  // Not a string for certain, in spite of the declarations: any value can be assigned to the name and stack of an
  // error.
  const type = thrown instanceof Error ? messageOf(thrown.name) : typeof thrown;
  const stack = thrown instanceof Error ? messageOf(thrown.stack ?? "") : "";
  return {
    type: type.slice(0, 200),
    message: messageOf(thrown).slice(0, MAX_MESSAGE_LENGTH),
    stack: stack.slice(0, MAX_STACK_LENGTH),
  };
}
