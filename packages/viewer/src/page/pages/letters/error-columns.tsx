import type { Column } from "../../parts/table.tsx";
import { Text } from "../../parts/text.tsx";

interface Failed {
  readonly category: string;
  readonly type: string;
  readonly message: string;
}

/** The error of a row, in both lists. */
export const ERROR_COLUMNS: readonly Column<Failed>[] = [
  { title: "Category", cell: ({ category }) => <span class={categoryClass(category)}>{category}</span> },
  {
    title: "Error",
    cell: ({ type, message }) => (
      <span class="letters-message">
        <b>
          <Text of={type} max={60} />
        </b>{" "}
        <Text of={message} max={160} />
      </span>
    ),
  },
];

/** Permanent failures need a repair first. */
export function categoryClass(category: string): string {
  return `badge ${category === "permanent" ? "error" : category === "unknown" ? "warning" : ""}`;
}
