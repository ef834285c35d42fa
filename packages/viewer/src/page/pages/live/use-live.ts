import { useEffect, useRef, useState } from "preact/hooks";
import type { FeedMessage } from "../../../api/feed.ts";
import type { Query } from "../../app/ask.ts";
import { type FeedState, LiveFeed } from "./live-feed.ts";
import { type LiveRow, LiveWindow } from "./live-window.ts";

/** What the page shows of the feed. */
export interface Live {
  readonly state: FeedState;
  /** Newest first; while paused, those of that moment. */
  readonly rows: readonly LiveRow[];
  readonly isPaused: boolean;
  /** Events that have come since the pause. */
  readonly newCount: number;
  /** Events a second that matched and that were sent, while some are left out. */
  readonly sampled: { readonly matched: number; readonly sent: number } | undefined;
  /** Servers that do not answer, and why. */
  readonly away: readonly (readonly [at: string, reason: string])[];
  /** The last things that are missing or wrong, as sentences. */
  readonly notes: readonly string[];
  pause(): void;
  resume(): void;
  clear(): void;
  retry(): void;
}

/** How long a notice about sampling stays after the last one: they come each second. */
const SAMPLED_MS = 2500;
const MAX_NOTES = 5;

/** All that has come; it is drawn once a frame, however many events that are. */
class LiveModel {
  readonly window = new LiveWindow();
  readonly away = new Map<string, string>();
  notes: readonly string[] = [];
  state: FeedState = { kind: "connecting" };
  sampled: { readonly matched: number; readonly sent: number; readonly atMs: number } | undefined;
  paused: { readonly rows: readonly LiveRow[]; readonly added: number } | undefined;

  take(message: FeedMessage, chars: number): void {
    switch (message.type) {
      case "event":
        return this.window.add(message, chars);
      case "sampled": {
        const { matched, sent, ms } = message;
        const perSecond = (count: number): number => Math.round((count * 1000) / Math.max(1, ms));
        this.sampled = { matched: perSecond(matched), sent: perSecond(sent), atMs: performance.now() };
        return;
      }
      case "away":
        this.away.set(message.at, message.reason);
        return;
      case "back":
        this.away.delete(message.at);
        return;
      case "gap":
        return this.#note(
          `${message.at}: events ${message.fromSeq} to ${message.toSeq} are not shown; ${message.reason}`,
        );
      case "malformed":
        return this.#note(`${message.at} ${message.seq} is not an event: ${message.reason}`);
      case "start":
        this.away.clear();
        return;
      default:
        return;
    }
  }

  pause(): void {
    this.paused ??= { rows: this.window.newest(), added: this.window.added };
  }

  #note(note: string): void {
    this.notes = [...this.notes, note].slice(-MAX_NOTES);
  }
}

/** Follows the feed as long as the page shows it. */
export function useLive(query: Query): Live {
  const [model, setModel] = useState(() => new LiveModel());
  const [turn, setTurn] = useState(0);
  const [, drawAgain] = useState(0);
  const frame = useRef(0);
  const draw = (): void => {
    if (frame.current === 0)
      frame.current = requestAnimationFrame(() => {
        frame.current = 0;
        drawAgain((count) => count + 1);
      });
  };
  const address = JSON.stringify(query);
  useEffect(() => {
    const fresh = new LiveModel();
    setModel(fresh);
    const feed = new LiveFeed(query, {
      onMessage: (message, chars) => {
        fresh.take(message, chars);
        draw();
      },
      onState: (state) => {
        fresh.state = state;
        draw();
      },
    });
    // A notice about sampling ends by time.
    const timer = setInterval(draw, 1000);
    return () => {
      clearInterval(timer);
      feed.close();
    };
  }, [address, turn]);
  const { state, window, paused, away, notes, sampled } = model;
  const then =
    (act: () => void): (() => void) =>
    () => {
      act();
      draw();
    };
  return {
    state,
    rows: paused?.rows ?? window.newest(),
    isPaused: paused !== undefined,
    newCount: paused === undefined ? 0 : window.added - paused.added,
    sampled: sampled !== undefined && performance.now() - sampled.atMs < SAMPLED_MS ? sampled : undefined,
    away: [...away],
    notes,
    pause: then(() => model.pause()),
    resume: then(() => {
      model.paused = undefined;
    }),
    clear: then(() => {
      window.clear();
      model.notes = [];
      model.paused = undefined;
    }),
    retry: () => setTurn((count) => count + 1),
  };
}
