/** A folder of the state folder, and how it belongs into a backup. */
interface StateFolder {
  readonly folder: string;
  /** `moment`: with the marks, or with the outboxes, see `take-order.ts`. `secret`: only with the keys. */
  readonly as: "marks" | "outbox" | "settings" | "positions" | "secret" | "joined";
}

/** Everything else in a state folder is made anew: node files, server configs, logs, locks, what runs. */
const STATE_FOLDERS: readonly StateFolder[] = [
  { folder: "positions", as: "positions" },
  { folder: "marks", as: "marks" },
  { folder: "outbox", as: "outbox" },
  { folder: "skills", as: "settings" },
  { folder: "registry", as: "settings" },
  { folder: "audit", as: "settings" },
  { folder: "keys", as: "secret" },
  { folder: "invitations", as: "secret" },
  { folder: "viewer", as: "secret" },
  // A folder that has joined cannot make these: the mesh file is on another machine.
  { folder: "nodes", as: "joined" },
  { folder: "servers", as: "joined" },
];

export function foldersFor(as: StateFolder["as"]): readonly string[] {
  return STATE_FOLDERS.filter((one) => one.as === as).map(({ folder }) => folder);
}

/**
 * Whether a backup holds files of the state folder at such a path. No other is restored: lists of processes to end and
 * programs to start are among the rest. Pure.
 * @param path Within the state folder.
 */
export function isKeptPath(path: string, as: "state" | "secret", hasJoined: boolean): boolean {
  if (path === "mesh.json") return as === "state" && hasJoined;
  const kept = STATE_FOLDERS.find(({ folder }) => path.startsWith(`${folder}/`))?.as;
  if (kept === undefined || isPassing(path)) return false;
  return (kept === "secret") === (as === "secret") && (kept !== "joined" || hasJoined);
}

/** Files that belong to a running process, or are half written. Pure. @param path Within the state folder. */
export function isPassing(path: string): boolean {
  return (
    path.endsWith(".new") ||
    path.endsWith(".partial") ||
    /^skills\/[^/]+\/(?:processes\.json|logs\/)/.test(path) ||
    path.startsWith("viewer/jobs/")
  );
}

/**
 * Whether a file of the state folder belongs to these subnets. Files of nodes begin with the node's name, or are in a
 * folder of that name. Pure.
 * @param only Undefined: all.
 */
export function isOf(path: string, only: readonly string[] | undefined): boolean {
  const [folder = "", name = "", inner] = path.split("/");
  if (only === undefined || !OF_NODES.has(folder)) return true;
  const subnet = inner === undefined || folder !== "keys" ? /^(?:([a-z0-9-]+)_|root)/.exec(name) : null;
  return subnet === null ? true : only.includes(subnet[1] ?? "root");
}

const OF_NODES: ReadonlySet<string> = new Set(["positions", "marks", "outbox", "skills"]);

/**
 * The name of a file of marks or of an outbox that no process owns: the next process of its node takes it over. Its
 * age stays. Pure.
 */
export function restingName(name: string): string {
  const [, age, random, suffix] = /-([0-9a-z]+)-([0-9a-f]+)(\.(?:marks|outbox))$/.exec(name) ?? [];
  return age === undefined ? name : `left-${age}-${random}${suffix}`;
}
