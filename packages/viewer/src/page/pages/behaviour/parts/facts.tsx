import type { ComponentChildren, JSX } from "preact";

/** Name and value, in the order in which they are to be read. An undefined value leaves its line out. */
export type Fact = readonly [name: string, value: ComponentChildren | undefined];

/** What is known of one thing. */
export function Facts({ of }: { readonly of: readonly Fact[] }): JSX.Element {
  return (
    <dl class="facts">
      {of.map(([name, value]) =>
        value === undefined ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}
