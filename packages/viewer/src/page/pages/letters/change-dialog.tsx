import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Job } from "../../../api/jobs.ts";
import type { LetterPlanAnswer } from "../../../api/letters.ts";
import { AskError, change } from "../../app/ask.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Notice } from "../../parts/notice.tsx";
import type { Filter } from "./filter-query.ts";

/** A change that an operator asks for. */
export interface Wanted {
  readonly kind: "replay" | "purge";
  readonly filter: Filter;
  /** Only these of the filter's letters. */
  readonly places?: readonly string[];
}

interface DialogProps {
  readonly wanted: Wanted;
  readonly onClose: () => void;
  /** A job has begun. */
  readonly onBegun: () => void;
}

/** Handlers that failed once may be slow; this is a pace most of them keep. */
const DEFAULT_RATE = "100";

/** Shows what a change would do, and begins it. */
export function ChangeDialog({ wanted, onClose, onBegun }: DialogProps): JSX.Element {
  const [plan, setPlan] = useState<LetterPlanAnswer | undefined>();
  const [problem, setProblem] = useState<string | undefined>();
  const [rate, setRate] = useState(DEFAULT_RATE);
  const [isBeginning, setBeginning] = useState(false);
  const count = (): void => {
    setPlan(undefined);
    setProblem(undefined);
    change<LetterPlanAnswer>("POST", "/api/dead-letters/plan", wanted).then(setPlan, (thrown: unknown) =>
      setProblem(textOf(thrown)),
    );
  };
  useEffect(count, []);
  const begin = async (): Promise<void> => {
    setBeginning(true);
    setProblem(undefined);
    const perSecond = wanted.kind === "replay" && rate.trim() !== "" ? { per_second: Number(rate) } : {};
    try {
      await change<Job>("POST", "/api/jobs", { ...wanted, count: plan?.count ?? 0, ...perSecond });
      onBegun();
      onClose();
    } catch (thrown) {
      setProblem(textOf(thrown));
      setBeginning(false);
    }
  };
  const isReplay = wanted.kind === "replay";
  const canBegin = plan !== undefined && plan.count > 0 && plan.busy === 0 && !isBeginning;
  return (
    <Dialog title={isReplay ? "Replay dead letters" : "Delete dead letters"} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void begin();
        }}
      >
        {problem === undefined ? null : (
          <Notice kind="error" onRetry={count}>
            {problem}
          </Notice>
        )}
        {plan === undefined ? (
          problem === undefined ? (
            <p class="dim">Counting …</p>
          ) : null
        ) : (
          <Plan plan={plan} />
        )}
        {isReplay ? (
          <label>
            Letters a second; empty: as many as can be
            <input
              type="number"
              min="0.1"
              max="100000"
              step="any"
              value={rate}
              onInput={(event) => setRate(event.currentTarget.value)}
            />
          </label>
        ) : null}
        <div class="row letters-decide">
          <button type="submit" class={isReplay ? "main" : "danger"} disabled={!canBegin}>
            {isReplay ? `Replay ${plan?.count ?? ""}` : `Delete ${plan?.count ?? ""} for good`}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Plan({ plan }: { readonly plan: LetterPlanAnswer }): JSX.Element {
  const { kind, matched, count, replayed, permanent, orphaned, refused, busy, what, away } = plan;
  const facts: [string, number][] = [
    ["match", matched],
    [kind === "replay" ? "will be given to their handlers" : "will be deleted", count],
  ];
  if (replayed > 0)
    facts.push([
      kind === "replay" ? "of them ran again already; they only leave the list" : "of them ran again already",
      replayed,
    ]);
  if (kind === "replay") {
    for (const { reason, count: times } of refused) facts.push([`cannot be replayed: ${reason}`, times]);
    if (permanent > 0) facts.push(["of them failed for permanent reasons; repair those first", permanent]);
    if (orphaned > 0) facts.push(["of them have a durable that is gone; nobody would handle them", orphaned]);
  }
  if (busy > 0) facts.push(["of them are changed by another job now; wait until it has ended", busy]);
  return (
    <>
      <Notice kind="info">{`Selection: ${what}`}</Notice>
      {away.map(({ of, reason }) => (
        <Notice key={of} kind="warning">{`${of} is left out: ${reason}`}</Notice>
      ))}
      <table class="letters-plan">
        <tbody>
          {facts.map(([fact, times]) => (
            <tr key={fact}>
              <td class="number">{times}</td>
              <th scope="row">{fact}</th>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="dim">
        {kind === "replay"
          ? "Each letter leaves the list as its event is stored for its handler again. An event that fails again is a new letter."
          : "A deleted letter cannot be brought back. The audit trail keeps who has deleted how many."}
      </p>
    </>
  );
}

export function textOf(thrown: unknown): string {
  return thrown instanceof AskError ? thrown.message : String(thrown);
}
