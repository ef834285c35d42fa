import type { JSX } from "preact";
import type { Query } from "../../../app/ask.ts";
import { Link } from "../../../app/navigate.tsx";
import { Text } from "../../../parts/text.tsx";

interface Crumb {
  readonly text: string;
  readonly query: Query;
}

/** The way back: `Scenarios › alpha/kitchen/chime › RUN-…`. */
export function Trail({ to, here }: { readonly to: readonly Crumb[]; readonly here: string }): JSX.Element {
  return (
    <nav class="trail" aria-label="Way back">
      {to.map(({ text, query }) => (
        <span key={text}>
          <Link to="/behaviour" query={query}>
            <Text of={text} />
          </Link>
          <span class="dim"> › </span>
        </span>
      ))}
      <strong aria-current="page">
        <Text of={here} />
      </strong>
    </nav>
  );
}
