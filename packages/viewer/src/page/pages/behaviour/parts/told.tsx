import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Changed } from "../../../../api/behaviour.ts";
import { Notice } from "../../../parts/notice.tsx";

interface Told {
  readonly kind: "good" | "error" | "warning";
  readonly text: string;
}

/** What became of the last change, and how to tell it. */
export interface Telling {
  readonly told: Told | undefined;
  /** `done("paused")` takes the answer of a change; `again` is called then. */
  done(word: string): (changed: Changed) => void;
  failed(message: string): void;
}

/** Tells what became of a change. @param again Called after each change. */
export function useTelling(again: () => void): Telling {
  const [told, setTold] = useState<Told | undefined>();
  return {
    told,
    done: (word) => (changed) => {
      setTold(toldOf(word, changed));
      again();
    },
    failed: (text) => setTold({ kind: "error", text }),
  };
}

function toldOf(word: string, { kept = 0, event_id, run_id }: Changed): Told {
  const more = [
    ...(run_id === undefined ? [] : [`the run is ${run_id}`]),
    ...(event_id === undefined || run_id !== undefined ? [] : [`the event is ${event_id}`]),
    ...(kept === 0 ? [] : ["the member's daemon takes it when it runs again"]),
  ];
  return {
    kind: kept === 0 ? "good" : "warning",
    text: `${[word, ...more].join("; ")}.`,
  };
}

export function ToldNotice({ telling: { told } }: { readonly telling: Telling }): JSX.Element | null {
  return told === undefined ? null : <Notice kind={told.kind}>{told.text}</Notice>;
}
