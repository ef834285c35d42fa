/** The release that was measured and that an install fetches. */
export const TESTED_VERSION = "2.15.1";

/** The oldest release that works: atomic batches through service imports, cron schedules. */
export const MINIMUM_VERSION = "2.14.0";

const VERSION = /^(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:-([0-9A-Za-z.-]{1,64}))?$/;
const VERSION_OUTPUT = /^nats-server: v(\d{1,6}\.\d{1,6}\.\d{1,6}(?:-[0-9A-Za-z.-]{1,64})?)\s*$/m;

/** @returns the version in the output of `nats-server --version`, without its `v`; undefined when there is none. */
export function parseVersionOutput(output: string): string | undefined {
  return VERSION_OUTPUT.exec(output)?.[1];
}

/** Whether the text is a version such as `2.15.1` or `2.15.0-RC.2`. */
export function isVersion(text: string): boolean {
  return VERSION.test(text);
}

/**
 * Orders two versions; a pre-release comes before its release, pre-releases of one release are ordered as text.
 * @returns below 0, 0 or above 0. Text that is not a version is below every version.
 */
export function compareVersions(left: string, right: string): number {
  const a = VERSION.exec(left);
  const b = VERSION.exec(right);
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  for (const part of [1, 2, 3]) {
    const difference = Number(a[part]) - Number(b[part]);
    if (difference !== 0) return difference;
  }
  // "~" follows every character that a pre-release may contain, so "no pre-release" is the highest.
  const [x, y] = [a[4] ?? "~", b[4] ?? "~"];
  if (x === y) return 0;
  return x < y ? -1 : 1;
}

/** @returns undefined when the version is supported, else why it is not. */
export function whyUnsupported(version: string): string | undefined {
  if (compareVersions(version, MINIMUM_VERSION) >= 0) return undefined;
  return `version ${version} is older than ${MINIMUM_VERSION}`;
}
