import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Job, Jobs } from "../../../api/jobs.ts";
import { type Asked, change } from "../../app/ask.ts";
import { Link } from "../../app/navigate.tsx";
import { useIsOperator } from "../../app/session.ts";
import { Notice } from "../../parts/notice.tsx";
import { Text } from "../../parts/text.tsx";
import { When } from "../../parts/when.tsx";
import { textOf } from "./change-dialog.tsx";

/** Ended jobs that are shown without being asked for. */
const SHOWN_ENDED = 1;

/** Replays and purges that the viewer's server is doing or has done. */
export function JobsPanel({ asked }: { readonly asked: Asked<Jobs> }): JSX.Element | null {
  const { answer, error, again } = asked;
  const [problem, setProblem] = useState<string | undefined>();
  const jobs = answer?.jobs ?? [];
  if (jobs.length === 0 && error === undefined) return null;
  const act = (job: Job, verb: "cancel" | "resume"): void => {
    setProblem(undefined);
    change("POST", `/api/jobs/${job.id}/${verb}`).then(again, (thrown: unknown) => {
      setProblem(textOf(thrown));
      again();
    });
  };
  const open = jobs.filter((job) => isActive(job) || job.state === "interrupted");
  const ended = jobs.filter((job) => !open.includes(job));
  const shown = [...open, ...ended.slice(0, SHOWN_ENDED)];
  const rest = ended.slice(SHOWN_ENDED);
  return (
    <section class="letters-jobs" aria-label="Jobs">
      {error === undefined ? null : <Notice kind="error">{error.message}</Notice>}
      {problem === undefined ? null : <Notice kind="error">{problem}</Notice>}
      {shown.map((job) => (
        <JobCard key={job.id} job={job} onAct={act} />
      ))}
      {rest.length === 0 ? null : (
        <details>
          <summary>
            {rest.length} earlier job{rest.length === 1 ? "" : "s"}
          </summary>
          {rest.map((job) => (
            <JobCard key={job.id} job={job} onAct={act} />
          ))}
        </details>
      )}
    </section>
  );
}

function isActive({ state }: Job): boolean {
  return state === "running" || state === "settling";
}

const STATE_TEXT: Readonly<Record<Job["state"], string>> = {
  running: "running",
  settling: "handlers at work",
  done: "done",
  cancelled: "cancelled",
  failed: "failed",
  interrupted: "interrupted",
};

interface CardProps {
  readonly job: Job;
  readonly onAct: (job: Job, verb: "cancel" | "resume") => void;
}

function JobCard({ job, onAct }: CardProps): JSX.Element {
  const isOperator = useIsOperator();
  const { id, kind, state, who, what, began_at, count, done, failed, gone, error, is_resumable } = job;
  const verb = kind === "replay" ? "Replay" : "Deletion";
  return (
    <article class="card letters-job" aria-label={`${verb} ${id}`}>
      <header>
        <strong>{verb}</strong>
        <span class={stateClass(job)}>{STATE_TEXT[state]}</span>
        <span class="letters-told">
          <Text of={what} max={200} />{" "}
          <span class="dim">
            by <Text of={who} max={64} />, <When at={began_at} />
            {job.per_second === undefined ? "" : `, ${job.per_second} a second`}
          </span>
        </span>
        {isOperator && isActive(job) ? (
          <button type="button" onClick={() => onAct(job, "cancel")}>
            {state === "settling" ? "Wait no longer" : "Cancel"}
          </button>
        ) : null}
        {isOperator && is_resumable ? (
          <button type="button" class="main" onClick={() => onAct(job, "resume")}>
            Resume
          </button>
        ) : null}
      </header>
      <progress aria-label="Progress" max={Math.max(count, 1)} value={done + failed + gone} />
      <p>
        <Result job={job} />
        {error === undefined || state === "done" ? null : (
          <>
            {" "}
            <Text of={error} max={400} />
          </>
        )}
      </p>
      <Problems job={job} />
    </article>
  );
}

function stateClass({ state, failed, failed_again }: Job): string {
  if (state === "done") return `badge ${failed + failed_again > 0 ? "warning" : "good"}`;
  return `badge ${state === "failed" ? "error" : isActive({ state } as Job) ? "" : "warning"}`;
}

/** The counts in one sentence. */
function Result({ job }: { readonly job: Job }): JSX.Element {
  const { kind, state, count, done, failed, gone, failed_again, unsettled } = job;
  const parts = [`${done} of ${count} ${kind === "replay" ? "replayed" : "deleted"}`];
  if (failed > 0) parts.push(`${failed} could not be`);
  if (gone > 0 && state !== "running") parts.push(`${gone} were taken away by somebody else`);
  if (kind === "replay" && (state === "settling" || state === "done" || failed_again > 0)) {
    parts.push(`${failed_again} failed again`);
    if (state === "done" && unsettled.length === 0) parts.push(`${done - failed_again} succeeded`);
  }
  if (unsettled.length > 0) parts.push(`still to settle: ${unsettled.join(", ")}`);
  return <Text of={`${parts.join("; ")}.`} max={1000} />;
}

function Problems({ job: { problems, failed, failed_again } }: { readonly job: Job }): JSX.Element | null {
  if (problems.length === 0) return null;
  return (
    <details>
      <summary>
        {problems.length} of {failed + failed_again} problems
      </summary>
      <ul>
        {problems.map(({ letter_id, message, place }) => (
          <li key={letter_id}>
            {place === undefined ? (
              <Text of={letter_id} max={200} />
            ) : (
              <Link to="/dead-letters" query={{ letter: place }}>
                <Text of={letter_id} max={200} />
              </Link>
            )}
            : <Text of={message} max={300} />
          </li>
        ))}
      </ul>
    </details>
  );
}
