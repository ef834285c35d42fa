import type { JSX } from "preact";
import type { EventKnown } from "../../../api/event.ts";
import { useAsk } from "../../app/ask.ts";
import { Link, useAddress } from "../../app/navigate.tsx";
import { Answered } from "../../parts/answered.tsx";
import { EventSearchForm } from "./event-search.tsx";
import { EventTraceView } from "./event-trace-view.tsx";
import { WhyView } from "./why-view.tsx";
import "./event.css";

const OWN_PATH = "/event/";

/** One event and all that it has caused; without an id, the ways to find one. */
export function EventPage(): JSX.Element {
  const { path, query } = useAddress();
  const id = query.get("id") ?? (path.startsWith(OWN_PATH) ? decoded(path.slice(OWN_PATH.length)) : "");
  const view = query.get("view") === "why" ? "why" : "find";
  return (
    <div class="event wide-tables">
      <nav class="tabs" aria-label="Event">
        <Link to="/event" isCurrent={view === "find" && id === ""}>
          Find an event
        </Link>
        <Link to="/event" query={{ view: "why", event: id }} isCurrent={view === "why"}>
          Why did it not arrive?
        </Link>
      </nav>
      {view === "why" ? (
        <WhyView />
      ) : id === "" ? (
        <EventSearchForm />
      ) : (
        <Found id={id} selected={query.get("sel") ?? undefined} />
      )}
    </div>
  );
}

interface FoundProps {
  readonly id: string;
  readonly selected: string | undefined;
}

/** A dead letter has no trace of its own: that of its event is shown. */
function Found({ id, selected }: FoundProps): JSX.Element {
  const isLetter = id.startsWith("DLQ-");
  const asked = useAsk<EventKnown>(isLetter ? "/api/event/known" : undefined, { id });
  if (!isLetter) return <EventTraceView key={id} id={id} selected={selected ?? id} />;
  return (
    <Answered asked={asked}>
      {({ known: { event_id: event } }) => (
        <EventTraceView key={event} id={event} selected={selected ?? event} />
      )}
    </Answered>
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
