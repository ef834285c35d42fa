import { counted, escapeUnseen } from "@adaos/core/wire";
import type { AlertRecord } from "../record.ts";

/** The kind of body that a webhook accepts. */
type WebhookKind = "slack" | "discord" | "generic";

/** The maximum of alerts that a message for people spells out; of the others it reports only the number. */
const MAX_LINES = 15;
/** Slack cuts at 40,000 characters, Discord refuses more than 2,000. */
const MAX_SLACK = 12_000;
const MAX_DISCORD = 1900;
const MAX_TEXT = 300;

/** The body of one message with all changes that came together, oldest first. Pure. */
export function webhookBody(kind: WebhookKind, mesh: string, records: readonly AlertRecord[]): object {
  switch (kind) {
    case "slack":
      return { text: messageText(mesh, records, slackText, "*", MAX_SLACK) };
    case "discord":
      // No text in an alert can mention a person.
      return {
        content: messageText(mesh, records, discordText, "**", MAX_DISCORD),
        allowed_mentions: { parse: [] },
      };
    case "generic":
      return {
        version: 1,
        mesh,
        alerts: records.map(({ change, at, event_id, value, alert }) => {
          return { status: change === "cleared" ? "cleared" : "raised", at, event_id, value, ...alert };
        }),
      };
  }
}

function messageText(
  mesh: string,
  records: readonly AlertRecord[],
  mask: (text: string) => string,
  bold: string,
  most: number,
): string {
  const raised = records.filter(({ change }) => change !== "cleared").length;
  const cleared = records.length - raised;
  const counts = [
    ...(raised === 0 ? [] : [`${counted(raised, "alert")} raised`]),
    ...(cleared === 0 ? [] : [`${counted(cleared, "alert")} cleared`]),
  ];
  const head = `${bold}${mask(mesh)}: ${counts.join(", ")}${bold}`;
  const blocks: string[] = [];
  let length = head.length;
  for (const record of records.slice(0, MAX_LINES)) {
    const block = blockOf(record, mask, bold);
    if (length + block.length > most) break;
    length += block.length + 1;
    blocks.push(block);
  }
  const left = records.length - blocks.length;
  return [head, ...blocks, ...(left === 0 ? [] : [`and ${left} more: adaos alerts`])].join("\n");
}

function blockOf({ change, at, alert }: AlertRecord, mask: (text: string) => string, bold: string): string {
  const { severity, summary, cause, since, look, node } = alert;
  const short = (text: string): string => mask(text.slice(0, MAX_TEXT));
  if (change === "cleared")
    return `${bold}cleared${bold} ${short(summary)} (from ${since} to ${at}, told by ${short(node)})`;
  return `${bold}${severity}${bold} ${short(summary)}\n${short(cause)}; since ${since}, told by ${short(node)}\n\`${short(look)}\``;
}

/** Escapes the characters that Slack reads as links, mentions or its own marks. */
function slackText(text: string): string {
  return escapeUnseen(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("`", "'");
}

function discordText(text: string): string {
  return escapeUnseen(text)
    .replaceAll(/[\\*_~|>[\]]/g, (mark) => `\\${mark}`)
    .replaceAll("`", "'");
}
