import type { JSX } from "preact";
import type { Asked } from "../app/ask.ts";
import { Notice } from "./notice.tsx";

interface AnsweredProps<T> {
  readonly asked: Asked<T>;
  readonly children: (answer: T) => JSX.Element | null;
}

/** The answer of a question once there is one; an error stands above the last good answer. */
export function Answered<T>({
  asked: { answer, error, isAsking, again },
  children,
}: AnsweredProps<T>): JSX.Element {
  return (
    <div aria-busy={isAsking}>
      {error === undefined ? null : (
        <Notice kind="error" onRetry={again}>
          {error.message}
        </Notice>
      )}
      {answer === undefined ? (
        error === undefined && isAsking ? (
          <p class="dim">Loading …</p>
        ) : null
      ) : (
        children(answer)
      )}
    </div>
  );
}
