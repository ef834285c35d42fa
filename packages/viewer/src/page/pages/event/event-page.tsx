import type { JSX } from "preact";
import { Link, useAddress } from "../../app/navigate.tsx";
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
    <div class="wide-tables">
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
        <EventTraceView key={id} id={id} selected={query.get("sel") ?? id} />
      )}
    </div>
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
