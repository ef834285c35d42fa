import type { JSX } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Jobs } from "../../../api/jobs.ts";
import type { Letters } from "../../../api/letters.ts";
import { useAsk } from "../../app/ask.ts";
import { Link, useAddress } from "../../app/navigate.tsx";
import { Answered } from "../../parts/answered.tsx";
import { ChangeDialog, type Wanted } from "./change-dialog.tsx";
import { FilterForm } from "./filter-form.tsx";
import { filterOf } from "./filter-query.ts";
import { History } from "./history.tsx";
import { JobsPanel } from "./jobs-panel.tsx";
import { LetterList } from "./letter-list.tsx";
import { OneLetter } from "./one-letter.tsx";
import "./letters.css";

/** A job under way is looked at often, so that its progress moves. */
const BUSY_MS = 1000;
const IDLE_MS = 5000;

/** The events that no handler could handle: looked at, given to their handlers again, or deleted. */
export function LettersPage(): JSX.Element {
  const { query } = useAddress();
  const filter = filterOf(query);
  const place = query.get("letter") ?? "";
  const isHistory = query.get("view") === "history";
  const [isBusy, setBusy] = useState(false);
  const [wanted, setWanted] = useState<Wanted | undefined>();
  const jobs = useAsk<Jobs>("/api/jobs", {}, isBusy ? BUSY_MS : IDLE_MS);
  const list = useAsk<Letters>(place === "" && !isHistory ? "/api/dead-letters" : undefined, {
    ...filter,
    before: query.get("before") ?? undefined,
  });
  const close = useCallback(() => setWanted(undefined), []);
  const known = jobs.answer?.jobs;
  // A job changes what the list shows, also one that has ended before it was ever seen at work.
  const stand = known?.map(({ id, state }) => `${id} ${state}`).join();
  const lastStand = useRef<string | undefined>(undefined);
  useEffect(() => {
    setBusy((known ?? []).some(({ state }) => state === "running" || state === "settling"));
    if (lastStand.current !== undefined) list.again();
    lastStand.current = stand;
  }, [stand]);
  return (
    <>
      <JobsPanel asked={jobs} />
      {place === "" ? (
        <>
          <nav class="tabs" aria-label="Views">
            <Link to="/dead-letters" query={filter} isCurrent={!isHistory}>
              Waiting
            </Link>
            <Link to="/dead-letters" query={{ ...filter, view: "history" }} isCurrent={isHistory}>
              History
            </Link>
          </nav>
          <FilterForm key={JSON.stringify(filter)} filter={filter} view={isHistory ? "history" : ""} />
          {isHistory ? (
            <History filter={filter} />
          ) : (
            <Answered asked={list}>
              {(answer) => <LetterList answer={answer} filter={filter} query={query} onChange={setWanted} />}
            </Answered>
          )}
        </>
      ) : (
        <OneLetter key={place} place={place} filter={filter} onChange={setWanted} />
      )}
      {wanted === undefined ? null : <ChangeDialog wanted={wanted} onClose={close} onBegun={jobs.again} />}
    </>
  );
}
