import { cellsOf, headingOf, type Miss, type Report, type Section } from "./report.ts";

/** The text of BENCHMARKS.md. Pure. */
export function markdownOf(report: Report): string {
  const { conditions, contenders, sections, failed, leftOut } = report;
  const parts = [
    "# Benchmarks",
    `The last full run, written by the benchmark itself ([docs/guide/benchmark.md](docs/guide/benchmark.md)). To repeat it:`,
    "```console\nnpm run bench -- --install-peers --durability both --output bench.json --markdown BENCHMARKS.md\n```",
    "Contenders take turns within the run, so compare the ratios, not the numbers of two runs or machines. Each row has the " +
      "median of its rounds and their spread. `/ x` is the row's median as a multiple of x's, `adaos / it` the median of " +
      "`adaos` as a multiple of the row's. `synced`: on disk before every acknowledgement; `relaxed`: synced every two minutes.",
    "## Conditions",
    table([["", ""], ...Object.entries(conditions).map(([name, value]) => [name, String(value)])]),
    "## Contenders",
    table([["", ""], ...Object.entries(contenders).map(([name, what]) => [`\`${name}\``, what])]),
    ...missesOf("Left out", leftOut),
    ...missesOf("Failed", failed),
    "## Results",
    ...sections.flatMap((section) => [
      `### ${headingOf(section)}`,
      `${section.conditions}.`,
      tableOf(section),
    ]),
  ];
  return `${parts.join("\n\n")}\n`;
}

function missesOf(title: string, misses: readonly Miss[]): string[] {
  if (misses.length === 0) return [];
  return [
    `## ${title}`,
    misses.map(({ what, why }) => `- ${what}: ${why.replaceAll(/\s+/g, " ")}`).join("\n"),
  ];
}

function tableOf(section: Section): string {
  return table(cellsOf(section));
}

/** The first row is the head. */
function table([head = [], ...body]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...body.map(line)].join("\n");
}
