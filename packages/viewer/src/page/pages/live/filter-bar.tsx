import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useSession } from "../../app/session.ts";
import { fieldsOf, type LiveFilters, patternsOf } from "./live-filters.ts";

interface FilterBarProps {
  readonly filters: LiveFilters;
  readonly onChange: (filters: LiveFilters) => void;
}

const SINCE: readonly (readonly [value: string, title: string])[] = [
  ["", "now on"],
  ["1m", "last minute"],
  ["10m", "last 10 minutes"],
  ["1h", "last hour"],
];

/** The filters as texts: they apply with Enter or when a field is left, not at each letter. */
export function FilterBar({ filters, onChange }: FilterBarProps): JSX.Element {
  const { places } = useSession();
  const { at, since } = filters;
  const set = (changed: Partial<LiveFilters>): void => onChange({ ...filters, ...changed });
  return (
    <form class="live-filters" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      <label>
        Stream
        <select
          value={at.length > 1 ? "several" : (at[0] ?? "")}
          onChange={({ currentTarget: { value } }) => set({ at: value === "" ? [] : [value] })}
        >
          <option value="">all subnets</option>
          {at.length > 1 ? <option value="several">{at.join(", ")}</option> : null}
          {places.map((place) => (
            <option key={place} value={place}>
              {place}
            </option>
          ))}
        </select>
      </label>
      <Filter
        title="Events"
        hint="ui. or ui.notify@1"
        value={filters.pattern.join(", ")}
        onChange={(text) => set({ pattern: patternsOf(text) })}
      />
      <Filter
        title="Origin"
        hint="alpha/kitchen"
        value={filters.origin}
        onChange={(origin) => set({ origin })}
      />
      <Filter title="Text" hint="any case" value={filters.text} onChange={(text) => set({ text })} />
      <Filter
        title="Field"
        hint="data.room=desk"
        value={filters.field.join(" && ")}
        onChange={(text) => set({ field: fieldsOf(text) })}
      />
      <Filter
        title="Correlation"
        hint="an id"
        value={filters.correlation}
        onChange={(correlation) => set({ correlation })}
      />
      <Filter title="Tenant" hint="default" value={filters.tenant} onChange={(tenant) => set({ tenant })} />
      <label>
        From
        <select value={since} onChange={(event) => set({ since: event.currentTarget.value })}>
          {SINCE.map(([value, title]) => (
            <option key={value} value={value}>
              {title}
            </option>
          ))}
        </select>
      </label>
    </form>
  );
}

interface FilterProps {
  readonly title: string;
  readonly hint: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function Filter({ title, hint, value, onChange }: FilterProps): JSX.Element {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  return (
    <label>
      {title}
      <input
        type="search"
        autocomplete="off"
        spellcheck={false}
        placeholder={hint}
        maxLength={256}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onChange={(event) => onChange(event.currentTarget.value.trim())}
      />
    </label>
  );
}
