import type { FileRegistry } from "@adaos/registry";

/** Masks the data of events, as a registry does. */
export type Masking = Pick<FileRegistry, "mask">;

/** Shows what all of these show: what one of them masks is masked. */
export function maskedByAll(registries: readonly Masking[]): Masking {
  return {
    mask: (name, version, data) =>
      registries
        .map((registry) => registry.mask(name, version, data))
        .reduce((shown, masked) => bothShow(data, shown, masked), data),
  };
}

/** The parts that two masked forms of the same data both show. A mask replaces a value; names and lengths stay. */
function bothShow(data: unknown, a: unknown, b: unknown): unknown {
  if (a === data) return b;
  if (b === data || !isContainer(data) || !isContainer(a)) return a;
  if (!isContainer(b)) return b;
  if (Array.isArray(data)) return data.map((item, i) => bothShow(item, a[i], b[i]));
  return Object.fromEntries(Object.keys(data).map((key) => [key, bothShow(data[key], a[key], b[key])]));
}

function isContainer(value: unknown): value is Readonly<Record<string | number, unknown>> {
  return typeof value === "object" && value !== null;
}
