import { useEffect, useState } from "preact/hooks";
import type { Changed } from "../../../../api/behaviour.ts";
import { change } from "../../../app/ask.ts";

interface DryRun {
  readonly found?: Changed;
  readonly error?: string;
}

/** Asks once what a change would be done to. An undefined path asks nothing. */
export function useDryRun(path: string | undefined, body: object): DryRun {
  const [state, setState] = useState<DryRun>({});
  useEffect(() => {
    if (path === undefined) return;
    change<Changed>("POST", path, { ...body, dry: true }).then(
      (found) => setState({ found }),
      (thrown: unknown) => setState({ error: thrown instanceof Error ? thrown.message : String(thrown) }),
    );
  }, [path]);
  return state;
}
