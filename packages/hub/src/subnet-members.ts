/** The members of the subnet by the node file, and those that have left it. */
export class SubnetMembers {
  #names: readonly string[];
  readonly #left = new Set<string>();
  readonly #isOnlyFile: boolean;

  /**
   * @param isOnlyFile Whether no other daemon of this hub has a file. Else this one, which takes over, may have an
   * older file than the one before it, and a member that it does not know may have joined.
   */
  constructor(names: readonly string[], isOnlyFile: boolean) {
    this.#names = names;
    this.#isOnlyFile = isOnlyFile;
  }

  readonly names = (): readonly string[] => this.#names;

  /** Takes the members of a changed file. */
  replace(names: readonly string[]): void {
    for (const name of this.#names) this.#left.add(name);
    for (const name of names) this.#left.delete(name);
    this.#names = names;
  }

  /** Whether a node has left the subnet, so that what is kept for it may be deleted. */
  readonly isGone = (name: string): boolean =>
    this.#isOnlyFile ? !this.#names.includes(name) : this.#left.has(name);
}
