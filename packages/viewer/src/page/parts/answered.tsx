import type { JSX } from "preact";
import type { CutAnswer } from "../../api/error.ts";
import type { Asked } from "../app/ask.ts";
import { Notice } from "./notice.tsx";

interface AnsweredProps<T> {
  readonly asked: Asked<T>;
  readonly children: (answer: T) => JSX.Element | null;
}

/** The answer of a question once there is one; an error, or what it lacks, stands above it. */
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
      <CutNotice of={answer} />
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

/** Says that an answer is not whole, where the server has cut it. */
export function CutNotice({ of }: { readonly of: unknown }): JSX.Element | null {
  const cut = (of as CutAnswer | undefined)?.read_cut;
  return cut === undefined ? null : <Notice kind="warning">{cut}</Notice>;
}
