import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "@adaos/config";
import { FORMATS, inFormat, messageOf, withFormat } from "@adaos/core/wire";
import type { PlannedLetter } from "@adaos/operations";
import { z } from "zod";
import type { Job } from "../api/jobs.ts";

/** A job as it is kept. */
export type KeptJob = Omit<Job, "is_resumable">;

/** What a job has to do; it never changes. */
export interface JobPlan {
  readonly letters: readonly PlannedLetter[];
  /** The place in each subnet's stream of dead letters where those begin that have come since. */
  readonly nextPlaces: Readonly<Record<string, number>>;
}

const JOB_ID = /^JOB-\d{8}-\d{6}-[0-9a-f]{6,32}$/;
const text = z.string().max(2000);
const count = z.number().int().nonnegative();

const jobSchema: z.ZodType<KeptJob> = z.strictObject({
  id: z.string().regex(JOB_ID),
  kind: z.enum(["replay", "purge"]),
  state: z.enum(["running", "settling", "done", "cancelled", "failed", "interrupted"]),
  who: text,
  what: text,
  began_at: text,
  ended_at: text.exactOptional(),
  per_second: z.number().positive().exactOptional(),
  count,
  done: count,
  failed: count,
  gone: count,
  failed_again: count,
  problems: z.array(z.strictObject({ letter_id: text, message: text, place: text.exactOptional() })),
  unsettled: z.array(text),
  error: text.exactOptional(),
});

/** A list for each letter: names would be the greater part of a large plan. */
const planSchema = z.strictObject({
  nextPlaces: z.record(z.string(), count),
  letters: z.array(z.tuple([z.string(), z.string(), count, z.string(), z.string(), z.string(), z.string()])),
});

/** The jobs of a state folder, two files each: how far it is, and its plan. Only the folder's owner may read them. */
export class JobStore {
  readonly #dir: string;
  readonly #say: (line: string) => void;

  /** @param say Called for each file that cannot be read. */
  constructor(stateDir: string, say: (line: string) => void) {
    this.#dir = join(stateDir, "viewer", "jobs");
    this.#say = say;
  }

  /** Every job that can be read, oldest first. A damaged file is left where it is. */
  load(): KeptJob[] {
    if (!existsSync(this.#dir)) return [];
    const names = readdirSync(this.#dir).filter((name) => JOB_ID.test(name.replace(/\.json$/, "")));
    const jobs = names
      .filter((name) => name.endsWith(".json"))
      .flatMap((name) => {
        try {
          return [jobSchema.parse(readJob(join(this.#dir, name)))];
        } catch (thrown) {
          this.#say(`${join(this.#dir, name)} cannot be read, and its job is left out: ${messageOf(thrown)}`);
          return [];
        }
      });
    return jobs.sort((a, b) => (a.began_at < b.began_at ? -1 : 1));
  }

  /** Throws the system's error. */
  write(job: KeptJob): void {
    writeWhole(this.#file(job.id, "json"), `${JSON.stringify(withFormat(FORMATS.viewerJob, job))}\n`);
  }

  /** Throws the system's error. */
  writePlan(id: string, { nextPlaces, letters }: JobPlan): void {
    const rows = letters.map(({ subnet, stream, kept, letterId, replayKey, node, durable }) => [
      ...[subnet, stream, kept, letterId, replayKey, node, durable],
    ]);
    writeWhole(
      this.#file(id, "plan"),
      JSON.stringify(withFormat(FORMATS.viewerJob, { nextPlaces, letters: rows })),
    );
  }

  /** Undefined when it is missing or damaged: then the job cannot go on. */
  readPlan(id: string): JobPlan | undefined {
    try {
      const { nextPlaces, letters } = planSchema.parse(readJob(this.#file(id, "plan")));
      return {
        nextPlaces,
        letters: letters.map(([subnet, stream, kept, letterId, replayKey, node, durable]) => {
          return { subnet, stream, kept, letterId, replayKey, node, durable };
        }),
      };
    } catch (thrown) {
      this.#say(`the plan of ${id} cannot be read: ${messageOf(thrown)}`);
      return undefined;
    }
  }

  remove(id: string): void {
    for (const kind of ["json", "plan"] as const) rmSync(this.#file(id, kind), { force: true });
  }

  #file(id: string, kind: "json" | "plan"): string {
    return join(this.#dir, `${id}.${kind}`);
  }
}

/** A file of a job, in the format of this version. Throws what reading throws, or `invalid-config`. */
function readJob(file: string): object {
  return inFormat(FORMATS.viewerJob, JSON.parse(readFileSync(file, "utf8")) as object, file);
}
