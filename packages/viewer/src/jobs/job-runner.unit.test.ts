import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MeshError } from "@adaos/core";
import type { PlannedLetter } from "@adaos/operations";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { JobRunner } from "./job-runner.ts";
import { type JobPlan, JobStore } from "./job-store.ts";
import type { JobReport, JobRun, JobWork, SettlingReport } from "./job-work.ts";

let dir: string;
let said: string[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-jobs-"));
  said = [];
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function planOf(first: number, count: number): JobPlan {
  const letters = Array.from({ length: count }, (_, i): PlannedLetter => {
    const [subnet, stream, kept] = ["beta", "DLQ_beta", first + i];
    const letterId = `DLQ-${kept}`;
    return { subnet, stream, kept, letterId, replayKey: `r ${kept}`, node: "beta/desk", durable: "screen" };
  });
  return { letters, nextPlaces: { beta: 100 } };
}

/** Letters in memory; `next()` changes one more. */
class MemoryWork implements JobWork {
  readonly changed: string[] = [];
  readonly runs: JobRun[] = [];
  #turns: (() => void)[] = [];
  /** Letters that cannot be changed. */
  refused = new Set<string>();

  async change(run: JobRun, report: JobReport): Promise<void> {
    this.runs.push(run);
    const left = run.plan.letters.filter(({ letterId }) => !this.changed.includes(letterId));
    if (run.isResumed) report.before(run.plan.letters.length - left.length, 0);
    for (const { letterId } of left) {
      await new Promise<void>((resolve) => {
        this.#turns.push(resolve);
        run.signal.addEventListener("abort", () => resolve(), { once: true });
      });
      if (run.signal.aborted) return;
      if (this.refused.has(letterId)) report.end(letterId, new MeshError("denied", "not signed"));
      else {
        this.changed.push(letterId);
        report.end(letterId);
      }
    }
  }

  async settle({ plan }: JobRun, report: SettlingReport): Promise<void> {
    report.unsettled([]);
    const problem = { letter_id: "DLQ-900", message: "no screen", place: "beta/100" };
    for (const _ of [1, 2]) report.again(plan.letters[0]?.letterId ?? "", problem);
  }

  async next(count = 1): Promise<void> {
    for (let i = 0; i < count; i++) {
      await expect.poll(() => this.#turns.length).toBeGreaterThan(0);
      this.#turns.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

function runner(work: JobWork): JobRunner {
  const say = (line: string): void => void said.push(line);
  return new JobRunner(new JobStore(dir, say), work, say);
}

const REPLAY = { kind: "replay", what: "all dead letters", who: "alice" } as const;

describe("JobRunner", () => {
  test("changes all of a plan, counts what failed again once, and keeps that for the next process", async () => {
    const work = new MemoryWork();
    const jobs = runner(work);
    const { id } = jobs.start({ ...REPLAY, perSecond: 10 }, planOf(1, 3));
    await work.next(3);
    await expect.poll(() => jobs.get(id).state).toBe("done");
    expect(jobs.get(id)).toMatchObject({
      count: 3,
      done: 3,
      failed: 0,
      gone: 0,
      failed_again: 1,
      per_second: 10,
    });
    expect(jobs.get(id).problems).toHaveLength(1);
    expect(runner(work).list()).toEqual(jobs.list());
    expect(said).toEqual([]);
  });

  test("goes on after a crash, with no letter twice", async () => {
    const work = new MemoryWork();
    const before = runner(work);
    const { id } = before.start(REPLAY, planOf(1, 5));
    await work.next(2);
    // Another process finds the files of one that is gone.
    const after = runner(work);
    expect(after.get(id)).toMatchObject({ state: "interrupted", is_resumable: true, who: "alice" });
    after.resume(id, "bob");
    await expect.poll(() => work.runs.length).toBe(2);
    await before.stop();
    await work.next(4);
    await expect.poll(() => after.get(id).state).toBe("done");
    expect(after.get(id)).toMatchObject({ count: 5, done: 5, gone: 0, who: "bob" });
    expect(work.changed).toEqual(["DLQ-1", "DLQ-2", "DLQ-3", "DLQ-4", "DLQ-5"]);
    expect(work.runs[1]?.plan).toEqual(planOf(1, 5));
  });

  test("is stopped in order: jobs are interrupted at once, and none begins any more", async () => {
    const work = new MemoryWork();
    const jobs = runner(work);
    const { id } = jobs.start(REPLAY, planOf(1, 5));
    await work.next();
    await jobs.stop();
    expect(jobs.get(id)).toMatchObject({ state: "interrupted", done: 1, error: "the viewer was stopped" });
    expect(() => jobs.resume(id, "bob")).toThrow("the viewer was stopped");
    expect(runner(work).get(id)).toMatchObject({ state: "interrupted", done: 1 });
  });

  test("cancels, and tells who has; what is refused leaves a job that can be tried again", async () => {
    const work = new MemoryWork();
    const jobs = runner(work);
    const cancelled = jobs.start(REPLAY, planOf(1, 5));
    jobs.cancel(cancelled.id, "bob");
    await expect.poll(() => jobs.get(cancelled.id).state).toBe("cancelled");
    expect(jobs.get(cancelled.id).error).toBe("cancelled by bob");
    expect(() => jobs.cancel(cancelled.id, "bob")).toThrow("cannot be cancelled");
    work.refused.add("DLQ-7");
    const { id } = jobs.start({ ...REPLAY, kind: "purge" }, planOf(6, 2));
    await work.next(3);
    await expect.poll(() => jobs.get(id).state).toBe("failed");
    expect(jobs.get(id)).toMatchObject({ done: 1, failed: 1, is_resumable: true });
    expect(jobs.get(id).problems).toEqual([{ letter_id: "DLQ-7", message: "not signed" }]);
  });

  test("lets no two jobs change one letter, and no more than four run", async () => {
    const work = new MemoryWork();
    const jobs = runner(work);
    const first = jobs.start(REPLAY, planOf(1, 5));
    expect(jobs.busy(planOf(4, 5).letters)).toBe(2);
    expect(() => jobs.start(REPLAY, planOf(4, 5))).toThrow("another job is changing 2 of these letters");
    for (const from of [10, 20, 30]) jobs.start(REPLAY, planOf(from, 1));
    expect(() => jobs.start(REPLAY, planOf(40, 1))).toThrow("4 jobs run already");
    jobs.cancel(first.id, "bob");
    await expect.poll(() => jobs.get(first.id).state).toBe("cancelled");
    expect(jobs.start(REPLAY, planOf(4, 5)).state).toBe("running");
    expect(() => jobs.resume(first.id, "bob")).toThrow("4 jobs run already");
    await jobs.stop();
  });

  test("keeps fifty jobs, the newest", async () => {
    const work = new MemoryWork();
    const jobs = runner(work);
    const ids: string[] = [];
    for (let i = 0; i < 52; i++) {
      const { id } = jobs.start({ ...REPLAY, kind: "purge" }, planOf(i, 1));
      ids.push(id);
      await work.next();
      await expect.poll(() => jobs.get(id).state).toBe("done");
    }
    expect(jobs.list().map(({ id }) => id)).toEqual(ids.slice(2).toReversed());
    expect(readdirSync(join(dir, "viewer/jobs"))).toHaveLength(100);
  });
});

describe("JobStore", () => {
  test("leaves damaged files out and says so; a job without its plan cannot go on", async () => {
    const work = new MemoryWork();
    const jobs = runner(work);
    const [torn, planless] = [jobs.start(REPLAY, planOf(1, 1)), jobs.start(REPLAY, planOf(2, 1))];
    await jobs.stop();
    const folder = join(dir, "viewer/jobs");
    const file = join(folder, `${torn.id}.json`);
    writeFileSync(file, readFileSync(file, "utf8").slice(0, 40));
    writeFileSync(join(folder, `${planless.id}.plan`), '{"letters":[[1]]}');
    writeFileSync(join(folder, "JOB-x.json"), "not ours");
    const after = runner(work);
    expect(after.list().map(({ id }) => id)).toEqual([planless.id]);
    expect(said).toEqual([expect.stringContaining("cannot be read, and its job is left out")]);
    expect(() => after.resume(planless.id, "bob")).toThrow("is lost");
    expect(after.get(planless.id).state).toBe("interrupted");
  });

  test("is for its owner alone", async () => {
    const jobs = runner(new MemoryWork());
    const { id } = jobs.start(REPLAY, planOf(1, 1));
    await jobs.stop();
    expect(statSync(join(dir, "viewer/jobs")).mode & 0o777).toBe(0o700);
    for (const kind of ["json", "plan"])
      expect(statSync(join(dir, `viewer/jobs/${id}.${kind}`)).mode & 0o777).toBe(0o600);
  });
});
