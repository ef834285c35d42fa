import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { navigate } from "../../app/navigate.tsx";
import { useSession } from "../../app/session.ts";
import { asLocalInput, type Filter, type FilterKey, fromLocalInput } from "./filter-query.ts";

interface FormProps {
  readonly filter: Filter;
  /** Stays what it is. */
  readonly view: string;
}

/** Narrows the list. A choice takes effect at once, a text with Enter or the button. */
export function FilterForm({ filter, view }: FormProps): JSX.Element {
  const { places, members } = useSession();
  const [draft, setDraft] = useState(filter);
  const show = (next: Filter): void => navigate("/dead-letters", { ...next, view });
  const text = (key: FilterKey, label: string, hint: string, list?: string): JSX.Element => (
    <label>
      {label}
      <input
        name={key}
        value={draft[key] ?? ""}
        placeholder={hint}
        list={list}
        maxLength={300}
        spellcheck={false}
        onInput={(event) => setDraft({ ...draft, [key]: event.currentTarget.value })}
      />
    </label>
  );
  const choice = (key: FilterKey, label: string, children: ComponentChildren): JSX.Element => (
    <label>
      {label}
      <select
        name={key}
        value={draft[key] ?? ""}
        onChange={(event) => show({ ...draft, [key]: event.currentTarget.value })}
      >
        <option value="">all</option>
        {children}
      </select>
    </label>
  );
  const time = (key: "since" | "until", label: string): JSX.Element => (
    <label>
      {label}
      <input
        type="datetime-local"
        name={key}
        value={asLocalInput(draft[key])}
        onInput={(event) => setDraft({ ...draft, [key]: fromLocalInput(event.currentTarget.value) })}
      />
    </label>
  );
  return (
    <form
      class="letters-filter"
      aria-label="Filter"
      onSubmit={(event) => {
        event.preventDefault();
        show(draft);
      }}
    >
      {choice(
        "at",
        "Subnet",
        places.filter((place) => place !== "root").map((place) => <option key={place}>{place}</option>),
      )}
      {choice(
        "category",
        "Category",
        ["transient", "permanent", "unknown"].map((one) => <option key={one}>{one}</option>),
      )}
      {choice("replayed", "Replayed", [
        <option key="no" value="no">
          not yet
        </option>,
        <option key="yes" value="yes">
          already
        </option>,
      ])}
      {text("node", "Member", "beta/desk", "letters-members")}
      {text("durable", "Handler (durable)", "screen")}
      {text("event", "Event", "ui.notify or ui.")}
      {text("type", "Error type", "TypeError")}
      {text("text", "Text", "in message, type or id")}
      {time("since", "Failed since")}
      {time("until", "Failed until")}
      <datalist id="letters-members">
        {members.map((member) => (
          <option key={member} value={member} />
        ))}
      </datalist>
      <span class="letters-buttons">
        <button type="submit" class="main">
          Show
        </button>
        <button type="button" onClick={() => show({})}>
          Clear
        </button>
      </span>
    </form>
  );
}
