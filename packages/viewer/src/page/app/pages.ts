import type { ComponentType } from "preact";

/** A page of the viewer. Its code is loaded when it is opened. */
export interface PageEntry {
  /** `/event` takes `/event/EVT-…` too. */
  readonly path: string;
  readonly title: string;
  /** Another address of the same page. */
  readonly alias?: string;
  readonly load: () => Promise<ComponentType>;
}

/** Every page, in the order of the menu. */
export const PAGES: readonly PageEntry[] = [
  { path: "/live", title: "Live", load: async () => (await import("../pages/live/live-page.tsx")).LivePage },
  { path: "/mesh", title: "Mesh", load: async () => (await import("../pages/mesh/mesh-page.tsx")).MeshPage },
  {
    path: "/event",
    title: "Event",
    load: async () => (await import("../pages/event/event-page.tsx")).EventPage,
  },
  {
    path: "/dead-letters",
    title: "Dead letters",
    load: async () => (await import("../pages/letters/letters-page.tsx")).LettersPage,
  },
  {
    path: "/behaviour",
    title: "Behaviour",
    load: async () => (await import("../pages/behaviour/behaviour-page.tsx")).BehaviourPage,
  },
  {
    path: "/contracts",
    title: "Contracts",
    load: async () => (await import("../pages/contracts/contracts-page.tsx")).ContractsPage,
  },
  {
    path: "/policy",
    title: "Policy",
    load: async () => (await import("../pages/policy/policy-page.tsx")).PolicyPage,
  },
  {
    path: "/health",
    title: "Health",
    alias: "/analysis/r_v0_1_resilience",
    load: async () => (await import("../pages/health/health-page.tsx")).HealthPage,
  },
];

/** The page of a path; the first one for a path that is none. Pure. */
export function pageOf(path: string): PageEntry | undefined {
  const isAt = (base: string): boolean => path === base || path.startsWith(`${base}/`);
  return PAGES.find((page) => isAt(page.path) || (page.alias !== undefined && isAt(page.alias))) ?? PAGES[0];
}
