import { visibleText } from "@adaos/core/wire";

/** The steps of finding or installing nats-server; a closed union. */
export type ProgressEvent =
  | { readonly kind: "looking" }
  | { readonly kind: "step"; readonly text: string }
  | { readonly kind: "download"; readonly receivedBytes: number; readonly totalBytes: number | undefined }
  /** One way to install it did not work; another may follow. */
  | { readonly kind: "failed"; readonly what: string; readonly reason: string }
  | { readonly kind: "installed"; readonly path: string; readonly version: string };

export type OnProgress = (event: ProgressEvent) => void;

/** The writable part of a terminal or file, such as `process.stderr`. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressOptions {
  /** @default process.stderr: standard output belongs to the command's result. */
  readonly stream?: ProgressStream;
  /** Read for `NO_COLOR`, `TERM` and `CI`. @default process.env */
  readonly env?: NodeJS.ProcessEnv;
  /** Milliseconds of any steady clock. @default performance.now */
  readonly now?: () => number;
}

const BAR_CELLS = 24;
const REDRAW_MS = 100;
const LINE_MS = 1000;
const LINE_SHARE = 0.25;
const DEFAULT_COLUMNS = 80;

/**
 * Makes a listener that shows progress to a person. On a terminal it is a bar that redraws itself. Elsewhere (or with
 * `NO_COLOR`, `CI` or a dumb terminal) it is plain lines, for a download at most one a second and one a quarter.
 */
export function renderProgress(options: ProgressOptions = {}): OnProgress {
  const stream = options.stream ?? process.stderr;
  const env = options.env ?? process.env;
  const now = options.now ?? (() => performance.now());
  const drawsBar = stream.isTTY === true && !env.NO_COLOR && !env.CI && env.TERM !== "dumb";
  const download = drawsBar ? barRenderer(stream, now) : lineRenderer(stream, now);
  return (event) => {
    if (event.kind === "looking") return;
    if (event.kind === "download") {
      download.show(event.receivedBytes, event.totalBytes);
      return;
    }
    download.end();
    stream.write(`${visibleText(textOf(event))}\n`);
  };
}

interface DownloadRenderer {
  show(receivedBytes: number, totalBytes: number | undefined): void;
  /** Ends the line of the download, so that the next output starts on a new line. */
  end(): void;
}

function barRenderer(stream: ProgressStream, now: () => number): DownloadRenderer {
  let drawnAt: number | undefined;
  return {
    show(receivedBytes, totalBytes) {
      const isLast = receivedBytes === totalBytes;
      if (drawnAt !== undefined && !isLast && now() - drawnAt < REDRAW_MS) return;
      drawnAt = now();
      const text = `${barOf(receivedBytes, totalBytes)}${amountOf(receivedBytes, totalBytes)}`;
      stream.write(`\r${text.slice(0, (stream.columns || DEFAULT_COLUMNS) - 1)}\u001b[K`);
    },
    end() {
      if (drawnAt !== undefined) stream.write("\n");
      drawnAt = undefined;
    },
  };
}

function lineRenderer(stream: ProgressStream, now: () => number): DownloadRenderer {
  let last: { readonly at: number; readonly share: number } | undefined;
  return {
    show(receivedBytes, totalBytes) {
      const share = totalBytes === undefined ? 0 : receivedBytes / totalBytes;
      last ??= { at: now(), share: 0 };
      if (now() - last.at < LINE_MS) return;
      if (totalBytes !== undefined && share - last.share < LINE_SHARE) return;
      last = { at: now(), share };
      stream.write(`${amountOf(receivedBytes, totalBytes)}\n`);
    },
    end() {
      last = undefined;
    },
  };
}

function barOf(receivedBytes: number, totalBytes: number | undefined): string {
  if (totalBytes === undefined) return "";
  const full = Math.round(Math.min(1, receivedBytes / totalBytes) * BAR_CELLS);
  return `[${"#".repeat(full)}${".".repeat(BAR_CELLS - full)}] `;
}

function amountOf(receivedBytes: number, totalBytes: number | undefined): string {
  const received = (receivedBytes / 1_000_000).toFixed(1);
  if (totalBytes === undefined) return `${received} MB`;
  const percent = Math.floor((Math.min(receivedBytes, totalBytes) / totalBytes) * 100);
  return `${received} of ${(totalBytes / 1_000_000).toFixed(1)} MB, ${percent} %`;
}

function textOf(event: Exclude<ProgressEvent, { kind: "looking" | "download" }>): string {
  switch (event.kind) {
    case "step":
      return event.text;
    case "failed":
      return `${event.what}: ${event.reason}`;
    case "installed":
      return `nats-server ${event.version} installed at ${event.path}`;
  }
}
