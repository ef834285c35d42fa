// `npm run screenshots`: draws the pictures of docs/images/viewer from a real mesh in a real browser. Needs Chromium.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { HOME } from "./setup.mjs";

const OUTPUT = join(HOME, "docs/images/viewer");
const SIZE = { width: 1280, height: 760 };
const SETTLE_MS = 2500;

const state = mkdtempSync(join(tmpdir(), "adaos-pictures-"));
const config = join(state, "deploy/mesh.yaml");

function adaos(...args) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(HOME, "packages/cli/bin/adaos.mjs"), ...args, "--state", join(state, "state")],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`adaos ${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** Events, a failure, a refusal and a run of a scenario, so that no page is empty. */
async function fill() {
  process.env["ADAOS_STATE"] = join(state, "state");
  const { connect } = await import("@adaos/client");
  const [kitchen, desk] = [await connect({ as: "alpha/kitchen" }), await connect({ as: "beta/desk" })];
  await desk.subscribe("nlp.intent.detected", { durable: "lights" }, async ({ data }) => {
    if (data.intent === "blinds.down") throw new RangeError("the blinds report position -1");
    await desk.publish("ui.notify", { text: `doing ${data.intent}` });
  });
  for (const intent of ["lights.on", "heating.up", "blinds.down", "lights.off"])
    await kitchen.publish("nlp.intent.detected", { intent, slots: { room: "desk" }, locale: "en" });
  await kitchen
    .publish("repo.skill.installed", { skill: "weather", version: "1.0.0" })
    .catch(() => undefined);
  await kitchen.timers.trigger("hour");
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  await Promise.all([kitchen.close(), desk.close()]);
}

/** What is drawn, and what is done on the page before. */
const PICTURES = {
  live: {
    path: "/live?since=1h&pattern=nlp.&pattern=ui.&pattern=timer.&pattern=scenario.",
    before: chooseIntent,
  },
  mesh: { path: "/mesh" },
  event: { path: "/event", before: openFirstIntent },
  behaviour: { path: "/behaviour?tab=scenarios", before: openLastRun },
  health: { path: "/health", colorScheme: "dark" },
};

function chooseIntent(page) {
  return page.getByRole("listbox").getByRole("option", { name: "lights.off" }).last().click();
}

function openLastRun(page) {
  return page.getByRole("link", { name: "succeeded" }).first().click();
}

/** The first intent has caused a notice in the other subnet. */
async function openFirstIntent(page) {
  const found = adaos(
    "events",
    "tail",
    "nlp.intent.detected",
    "--at",
    "alpha",
    "--since",
    "1h",
    "--count",
    "1",
  );
  const [line = "{}"] = found.split("\n");
  await page.goto(new URL(`/event?id=${JSON.parse(line).event_id}`, page.url()).href);
}

async function draw(browser, link, [name, { path, before, colorScheme = "light" }]) {
  const context = await browser.newContext({ viewport: SIZE, colorScheme });
  const page = await context.newPage();
  await page.goto(link);
  await page.getByRole("navigation").waitFor();
  await page.goto(new URL(path, link).href);
  await page.waitForTimeout(SETTLE_MS);
  await before?.(page);
  await page.waitForTimeout(SETTLE_MS);
  writeFileSync(join(OUTPUT, `${name}.png`), await page.screenshot());
  await context.close();
}

try {
  // A mesh in a place of its own: paths in the pictures tell nothing of this machine.
  cpSync(join(HOME, "deploy"), join(state, "deploy"), { recursive: true });
  cpSync(join(HOME, "schemas"), join(state, "schemas"), { recursive: true });
  adaos("up", "--config", config, "--detach");
  await fill();
  const { link } = JSON.parse(adaos("view", "--json"));
  mkdirSync(OUTPUT, { recursive: true });
  const executablePath = ["chromium", "chromium-browser", "google-chrome"]
    .map((file) => spawnSync("which", [file], { encoding: "utf8" }).stdout.trim())
    .find((file) => file !== "");
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  for (const picture of Object.entries(PICTURES)) await draw(browser, link, picture);
  await browser.close();
} finally {
  adaos("down");
  rmSync(state, { recursive: true, force: true });
}
