import { EventMask } from "@adaos/operations";
import { readLayout } from "@adaos/provision";
import { Feed } from "./feed/feed.ts";
import { ApiAnswerer } from "./http/answer-api.ts";
import { PageFiles } from "./http/page-files.ts";
import type { ViewerContext } from "./http/route.ts";
import { type ViewerListen, ViewerServer } from "./http/viewer-server.ts";
import { JobRunner } from "./jobs/job-runner.ts";
import { JobStore } from "./jobs/job-store.ts";
import { LetterWork } from "./jobs/letter-work.ts";
import { ALL_ROUTES } from "./routes/all-routes.ts";

/** Registries change seldom, and reading them takes longer than most answers. */
const MASK_MS = 5000;

export interface ViewerOptions {
  readonly stateDir: string;
  readonly listen: ViewerListen;
  /** Folder of the built page. */
  readonly pageDir: string;
  readonly say: (line: string) => void;
}

/** Serves the viewer of a state folder. Rejects with `unavailable` or `invalid-config`. */
export async function startViewer({ stateDir, listen, pageDir, say }: ViewerOptions): Promise<ViewerServer> {
  const context = viewerContext(stateDir, say);
  const page = new PageFiles(pageDir);
  return ViewerServer.start(listen, {
    stateDir,
    page,
    api: new ApiAnswerer(ALL_ROUTES, context),
    feed: new Feed(context),
    say,
    jobs: context.jobs,
  });
}

export function viewerContext(stateDir: string, say: (line: string) => void): ViewerContext {
  let kept: { readonly mask: Promise<EventMask>; readonly atMs: number } | undefined;
  return {
    stateDir,
    say,
    layout: () => readLayout(stateDir),
    jobs: new JobRunner(new JobStore(stateDir, say), new LetterWork(stateDir, say), say),
    mask: async () => {
      if (kept === undefined || performance.now() - kept.atMs > MASK_MS)
        kept = { mask: EventMask.open(stateDir, say), atMs: performance.now() };
      const { mask } = kept;
      mask.catch(() => {
        kept = undefined;
      });
      return mask;
    },
  };
}
