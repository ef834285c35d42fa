import { delay } from "@adaos/core/wire";
import { deadLetters, durables, withServers } from "@adaos/operations";
import type { ChaosMesh } from "../chaos-mesh.ts";
import { readBook } from "./book.ts";
import { type Balance, checkBook } from "./check-book.ts";
import type { Route } from "./route.ts";
import { BOOK_DURABLE, type Traffic } from "./traffic.ts";

const LOOK_MS = 200;

/** Waits until all stored events have taken effect, or the time is over. */
export async function untilDrained(traffic: Traffic, limitMs: number): Promise<void> {
  const deadlineMs = Date.now() + limitMs;
  while (traffic.waiting > 0 && Date.now() < deadlineMs) await delay(LOOK_MS);
}

/**
 * The state of a book's events: by the book, and by the events that still wait in the publisher's outbox, on the
 * links, or at the handler's durable.
 */
export async function balanceOf(
  mesh: ChaosMesh,
  { from, to }: Route,
  bookFile: string,
  traffic: Traffic,
): Promise<Balance> {
  const [subnet = "", node = ""] = to.split("/");
  const dead = new Set<string>();
  // Counted in the order of an event's way: a moving event is counted twice rather than not at all.
  let pending = traffic.queued + (await mesh.onLinks(from, to));
  const hubs = mesh.layout.servers.filter(({ of }) => of === subnet);
  await withServers(hubs, async (hub) => {
    for await (const { entry } of deadLetters(hub, {})) {
      if (entry.node === to && entry.durable === BOOK_DURABLE) dead.add(entry.event_id);
    }
    for await (const row of durables(hub)) {
      if (row.node === node && row.durable === BOOK_DURABLE) pending += row.pending + row.unsettled;
    }
  });
  return checkBook(readBook(bookFile), dead, pending);
}
