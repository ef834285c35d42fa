import type { Logger } from "@adaos/core";
import { PeerClocks, type Program, programText, whyApart } from "@adaos/core/wire";

/** The programs and clocks of the hubs, as their answers told, and which hubs the root cannot work with. */
export class HubPrograms {
  readonly #told = new Map<string, string>();
  readonly #apart = new Map<string, string>();
  readonly clocks: PeerClocks = new PeerClocks();
  readonly #log: Logger;
  /** Called when a hub has come within reach, or left it. */
  onChange: () => void = () => undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  note(subnet: string, program: Program | undefined): void {
    if (program === undefined) this.#told.delete(subnet);
    else this.#told.set(subnet, programText(program));
    const why = whyApart(`${subnet}/hub`, program);
    if (why === this.#apart.get(subnet)) return;
    if (why === undefined) this.#apart.delete(subnet);
    else this.#apart.set(subnet, why);
    if (why === undefined) this.#log.info({ subnet }, "hub speaks this protocol");
    else this.#log.error({ subnet, reason: why }, "hub speaks another protocol");
    this.onChange();
  }

  /** Why its links stay closed; undefined when they may be open. */
  whyApart(subnet: string): string | undefined {
    return this.#apart.get(subnet);
  }

  /** The programs of the hubs that told them: `0.1.0/1`. */
  texts(subnets: readonly string[]): Readonly<Record<string, string>> {
    return Object.fromEntries(
      subnets.flatMap((subnet) => {
        const told = this.#told.get(subnet);
        return told === undefined ? [] : [[subnet, told]];
      }),
    );
  }
}
