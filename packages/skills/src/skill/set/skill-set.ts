import { basename, join } from "node:path";
import { delay, messageOf } from "@adaos/core/wire";
import { findSkills } from "../file/find-skills.ts";
import { readSkill, type SkillDefinition, type SkillFile, skillProblemText } from "../file/read-skill.ts";
import { SkillLog } from "../process/skill-log.ts";
import type { SkillPort } from "../run/skill-port.ts";
import { SkillRunner } from "../run/skill-runner.ts";
import type { SkillStatus } from "../run/skill-state.ts";
import { codeStamp } from "./code-stamp.ts";
import { SkillProcesses } from "./leftovers.ts";
import { MemberSkillFiles } from "./member-files.ts";

/** The skills of a member, as its node file names them. */
export interface DeclaredSkills {
  /** Folders of skills, or folders of such folders. */
  readonly paths: readonly string[];
}

export interface SkillSetOptions {
  /** The member's folder of skills in the state folder. */
  readonly dir: string;
  /** @default each skill has a log file in `dir` */
  readonly port: Omit<SkillPort, "openLog" | "onStarted"> & Partial<Pick<SkillPort, "openLog">>;
  /** Interval of looks at the skills' files. @default 1000 */
  readonly lookMs?: number;
}

/** A skill that runs, or could not be read. */
interface Kept {
  readonly folder: string;
  readonly stamp: string;
  readonly runner: SkillRunner | undefined;
  /** Why its newest file is not in force. */
  readonly problem: string | undefined;
}

interface Read {
  readonly file: SkillFile | undefined;
  readonly problem: string | undefined;
}

/** A skill in a folder. */
interface Found {
  readonly name: string;
  readonly folder: string;
  readonly stamp: string;
  /** Undefined: it has not changed. */
  readonly read: Read | undefined;
}

const LOOK_MS = 1000;

/** Runs the skills of a member, and follows their files: begins what is new, loads anew what has changed. */
export class SkillSet {
  readonly files: MemberSkillFiles;
  readonly #port: SkillPort;
  readonly #processes: SkillProcesses;
  readonly #lookMs: number;
  readonly #stopping = new AbortController();
  readonly #kept = new Map<string, Kept>();
  readonly #disabled = new Map<string, Found>();
  #declared: DeclaredSkills;
  #problems: readonly string[] = [];
  #wake = new AbortController();
  #looping: Promise<void> | undefined;
  #looks = 0;

  constructor(declared: DeclaredSkills, { dir, port, lookMs = LOOK_MS }: SkillSetOptions) {
    this.#declared = declared;
    this.files = new MemberSkillFiles(dir);
    this.#processes = new SkillProcesses(this.files, (err) =>
      port.log.error({ err }, "processes of skills not recorded: a killed daemon would leave them"),
    );
    this.#lookMs = lookMs;
    this.#port = {
      openLog: (skill) =>
        new SkillLog(this.files.logFile(skill), (err) =>
          port.log.error({ skill, err }, "log of skill not written"),
        ),
      ...port,
      onStarted: (pid) => this.#processes.started(pid),
    };
  }

  start(): void {
    const ended = this.#processes.endLeftovers();
    if (ended.length > 0)
      this.#port.log.warn({ pids: ended }, "processes of skills ended that an earlier daemon left");
    this.#looping ??= this.#loop();
  }

  /** Looks at once. With other declarations, also what was refused is tried again. */
  follow(declared?: DeclaredSkills): void {
    if (declared !== undefined) {
      this.#declared = declared;
      for (const { runner } of this.#kept.values()) if (runner?.status().state === "refused") runner.retry();
    }
    this.#wake.abort();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake.abort();
    await this.#looping;
    await Promise.all([...this.#kept.values()].map(({ runner }) => runner?.stop("the daemon stops")));
  }

  /** How often it has looked at all files. */
  get looks(): number {
    return this.#looks;
  }

  /** What is wrong beside the skills themselves. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  status(): readonly SkillStatus[] {
    const kept = [...this.#kept].map(([name, { folder, runner, problem }]): SkillStatus => {
      const status = runner?.status() ?? { ...unread(name, folder), state: "refused" };
      return problem === undefined ? status : { ...status, reason: problem };
    });
    const disabled = [...this.#disabled].map(
      ([name, { folder, read }]): SkillStatus => ({
        ...unread(name, folder),
        version: read?.file?.definition?.version ?? null,
        state: "disabled",
      }),
    );
    return [...kept, ...disabled].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The folder of a skill of this name that the mesh file names; undefined where there is none. */
  declaredFolder(name: string): string | undefined {
    const installed = join(this.files.dir, "installed");
    const folder = this.#kept.get(name)?.folder ?? this.#disabled.get(name)?.folder;
    return folder?.startsWith(`${installed}/`) === true ? undefined : folder;
  }

  async #loop(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#wake = new AbortController();
      try {
        await this.#look();
      } catch (err) {
        const told = messageOf(err);
        if (!this.#problems.includes(told)) this.#port.log.error({ err }, "skills not followed");
        this.#problems = [told];
      }
      this.#looks++;
      if (this.#stopping.signal.aborted) return;
      await delay(this.#lookMs, this.#wake.signal);
    }
  }

  async #look(): Promise<void> {
    const problems: string[] = [];
    const disabled = new Set(this.files.disabled());
    const found = new Map<string, Found>();
    this.#disabled.clear();
    for (const folder of this.#wanted(problems)) {
      const one = await this.#find(folder);
      if (one === undefined) continue;
      const twin = found.get(one.name);
      if (twin !== undefined)
        problems.push(`${folder} is not run: ${twin.folder} has the same name ${one.name}`);
      else if (disabled.has(one.name)) this.#disabled.set(one.name, one);
      else found.set(one.name, one);
    }
    for (const problem of problems)
      if (!this.#problems.includes(problem)) this.#port.log.warn({ problem }, "skill not run");
    this.#problems = problems;
    const gone = [...this.#kept.keys()].filter((name) => !found.has(name));
    await Promise.all(gone.map((name) => this.#end(name)));
    await Promise.all([...found.values()].map((one) => this.#take(one)));
  }

  /** What is in a folder now. Undefined where there is no skill. */
  async #find(folder: string): Promise<Found | undefined> {
    const stamp = await codeStamp(folder);
    if (stamp === undefined) return undefined;
    const [known, kept] = [...this.#kept].find(([, { folder: of }]) => of === folder) ?? [];
    if (known !== undefined && kept?.stamp === stamp) return { name: known, folder, stamp, read: undefined };
    const read = readOr(folder);
    const name = read.file?.definition?.name ?? known ?? basename(folder);
    return { name, folder, stamp, read };
  }

  /** The folders of all skills: declared ones first. */
  #wanted(problems: string[]): string[] {
    const declared = this.#declared.paths.flatMap((path) => {
      try {
        return findSkills([path]);
      } catch (thrown) {
        problems.push(messageOf(thrown));
        return [];
      }
    });
    const installed = Object.values(this.files.installed()).map(({ folder }) => join(this.files.dir, folder));
    return [...new Set([...declared, ...installed])];
  }

  /** Puts a new version in force. One that cannot be read leaves the earlier one running. */
  async #take({ name, folder, stamp, read }: Found): Promise<void> {
    if (read === undefined) return;
    const kept = this.#kept.get(name);
    const { file, problem } = read;
    if (file?.definition === undefined) {
      this.#port.log.error({ skill: name, reason: problem }, "skill file broken");
      this.#kept.set(name, { folder, stamp, runner: kept?.runner, problem });
      return;
    }
    const { runner } = kept ?? {};
    if (runner === undefined) {
      const fresh = new SkillRunner(file, file.definition, this.#port);
      this.#kept.set(name, { folder, stamp, runner: fresh, problem: undefined });
      fresh.start();
      return;
    }
    this.#kept.set(name, { folder, stamp, runner, problem: kept?.problem });
    // The start of one skill must not keep the others waiting.
    void this.#replace(name, runner, file, file.definition);
  }

  async #replace(name: string, runner: SkillRunner, file: SkillFile, skill: SkillDefinition): Promise<void> {
    try {
      const problem = await runner.replace(file, skill);
      const kept = this.#kept.get(name);
      if (kept?.runner !== runner) return;
      this.#kept.set(name, { ...kept, problem });
      if (problem === undefined) return;
      this.#port.log.error(
        { skill: name, reason: problem },
        "changed skill not loaded; the earlier one goes on",
      );
    } catch (err) {
      this.#port.log.error({ skill: name, err }, "changed skill not loaded");
    }
  }

  async #end(name: string): Promise<void> {
    const kept = this.#kept.get(name);
    this.#kept.delete(name);
    if (kept?.runner === undefined) return;
    await kept.runner.stop("it was removed or disabled");
    this.#port.log.info({ skill: name }, "skill stopped");
  }
}

function readOr(folder: string): Read {
  try {
    const file = readSkill(folder);
    const [problem] = file.problems;
    return { file, problem: problem === undefined ? undefined : skillProblemText(problem) };
  } catch (thrown) {
    return { file: undefined, problem: messageOf(thrown) };
  }
}

function unread(name: string, folder: string): SkillStatus {
  return {
    name,
    version: null,
    folder,
    state: "stopped",
    reason: null,
    pid: null,
    since: new Date().toISOString(),
    restarts: 0,
    memory_bytes: null,
    in_hand: 0,
    dropped_lines: 0,
    subscribe: [],
    publish: [],
    durables: [],
  };
}
