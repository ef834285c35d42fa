import type { JSX } from "preact";
import type { EventSearch } from "../../../api/event.ts";
import { useAsk } from "../../app/ask.ts";
import { Link, navigate, useAddress } from "../../app/navigate.tsx";
import { useSession } from "../../app/session.ts";
import { Answered } from "../../parts/answered.tsx";
import { Notice } from "../../parts/notice.tsx";
import { Table } from "../../parts/table.tsx";
import { Text } from "../../parts/text.tsx";
import { When } from "../../parts/when.tsx";
import { AwayNotices } from "./away-notices.tsx";
import { fieldsOf } from "./form-fields.ts";

const SINCE = [
  ["10m", "10 minutes"],
  ["1h", "1 hour"],
  ["24h", "24 hours"],
  ["7d", "7 days"],
] as const;

/** Finds an event by its id or correlation id, or among the newest of a name. */
export function EventSearchForm(): JSX.Element {
  const { query } = useAddress();
  const { places, members } = useSession();
  const open = (event: SubmitEvent): void => navigate("/event", { id: fieldsOf(event)["id"]?.trim() ?? "" });
  const search = (event: SubmitEvent): void => navigate("/event", { search: 1, ...fieldsOf(event) });
  const isSearched = query.has("search");
  return (
    <>
      <form class="row" onSubmit={open}>
        <label class="wide">
          Id of an event, of a dead letter, or a correlation id
          <input name="id" required maxLength={1024} placeholder="EVT-20260105-093000-0123456789ab" />
        </label>
        <button type="submit" class="main">
          Open
        </button>
      </form>
      <h2>Or the newest of a name</h2>
      <form key={query.toString()} class="row" onSubmit={search}>
        <label>
          Event: a name, a prefix with its dot, or *
          <input name="name" defaultValue={query.get("name") ?? "*"} maxLength={200} />
        </label>
        <label>
          Stored at
          <select name="at">
            <option value="">any subnet</option>
            {places.map((place) => (
              <option key={place} selected={place === query.get("at")}>
                {place}
              </option>
            ))}
          </select>
        </label>
        <label>
          Published by
          <input name="from" list="members" defaultValue={query.get("from") ?? ""} placeholder="anybody" />
        </label>
        <datalist id="members">
          {members.map((member) => (
            <option key={member} value={member} />
          ))}
        </datalist>
        <label>
          Within
          <select name="since">
            {SINCE.map(([value, text]) => (
              <option key={value} value={value} selected={value === (query.get("since") ?? "1h")}>
                {text}
              </option>
            ))}
          </select>
        </label>
        <button type="submit">Search</button>
      </form>
      {isSearched ? <Found query={query} /> : null}
    </>
  );
}

function Found({ query }: { readonly query: URLSearchParams }): JSX.Element {
  const given = Object.fromEntries(
    ["name", "at", "from", "since"].map((key) => [key, query.get(key) ?? undefined]),
  );
  const asked = useAsk<EventSearch>("/api/event/search", given);
  return (
    <Answered asked={asked}>
      {({ events, isCut, away }) => (
        <>
          <AwayNotices away={away} />
          {isCut ? (
            <Notice kind="info">Older ones are left out; search a shorter time or one name.</Notice>
          ) : null}
          <Table
            caption="Events, newest first"
            rows={events}
            keyOf={({ at, seq }) => `${at} ${seq}`}
            empty="No such event was stored in this time. adaos events publish makes one; the page Live shows them as they come."
            columns={[
              { title: "Published", cell: ({ published_at }) => <When at={published_at} /> },
              {
                title: "Event",
                cell: ({ event_id, event_name, version }) => (
                  <Link to="/event" query={{ id: event_id }}>
                    <Text of={`${event_name}@${version}`} max={120} />
                  </Link>
                ),
              },
              { title: "From", cell: ({ from }) => <Text of={from} /> },
              { title: "Stored at", cell: ({ at, seq }) => <Text of={`${at} ${seq}`} /> },
              { title: "Bytes", isNumber: true, cell: ({ bytes }) => bytes.toLocaleString("en") },
              { title: "Id", cell: ({ event_id }) => <Text of={event_id} max={80} /> },
            ]}
          />
        </>
      )}
    </Answered>
  );
}
