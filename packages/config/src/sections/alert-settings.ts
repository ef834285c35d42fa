import { resolve } from "node:path";
import { ALERT_RULES, type JudgedAlertId } from "@adaos/core/wire";
import { z } from "zod";

const DAY_SECONDS = 86_400;
const IDS = Object.keys(ALERT_RULES) as [JudgedAlertId, ...JudgedAlertId[]];

const severity = z.enum(["critical", "warning"]);

/** The parts of a rule that a mesh file may change. */
const ruleSchema = z.union(
  [
    z.literal(false),
    z.strictObject({
      threshold: z.number().min(0).max(1_000_000_000_000).optional().describe("limit of the figure"),
      forSeconds: z
        .number()
        .min(0)
        .max(DAY_SECONDS)
        .optional()
        .describe("how long the condition must hold before the alert is raised"),
      clearSeconds: z
        .number()
        .min(0)
        .max(DAY_SECONDS)
        .optional()
        .describe("how long the condition must be over before the alert is cleared"),
      severity: severity.optional(),
    }),
  ],
  { error: "must be false, or a map of threshold, forSeconds, clearSeconds and severity" },
);

const webhookSchema = z.strictObject({
  kind: z.enum(["slack", "discord", "generic"]).describe("form of the message body"),
  urlFile: z
    .string()
    .min(1)
    .describe("file with its URL, relative to this file: https://, or http:// on this machine"),
  secretFile: z
    .string()
    .min(1)
    .optional()
    .describe("file with a key: bodies are signed by HMAC-SHA256 in x-adaos-signature-256"),
  severities: z
    .array(severity)
    .min(1)
    .max(2)
    .default(["critical", "warning"])
    .describe("severities of the alerts that are sent to it"),
});

/** `alerts` of a mesh file. */
export const alertsSchema = z.strictObject({
  everySeconds: z.number().int().min(1).max(300).default(15).describe("how often hubs and root judge"),
  gatherSeconds: z
    .number()
    .min(0)
    .max(600)
    .default(10)
    .describe("how long a message waits for further alerts, which are sent with it"),
  messagesPerMinute: z
    .number()
    .min(0.1)
    .max(60)
    .default(6)
    .describe("messages to each webhook a minute; faster alerts share a message"),
  rules: z
    .partialRecord(z.enum(IDS), ruleSchema)
    .superRefine(({ streamNearlyFull: rule }, context) => {
      if (rule === undefined || rule === false || (rule.threshold ?? 0) <= 1) return;
      const path = ["streamNearlyFull", "threshold"];
      context.addIssue({ code: "custom", path, message: "must be a share from 0 to 1, such as 0.8" });
    })
    .default({})
    .describe("changes to the catalogue of alerts; false: not judged"),
  webhooks: z
    .record(z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, "must be 1 to 32 of a-z 0-9 -"), webhookSchema)
    .default({})
    .describe("webhooks that are called when an alert is raised or cleared"),
});

/** The settings of a mesh's alerts and webhooks. */
export type AlertSettings = z.output<typeof alertsSchema>;

/** The same with absolute paths. @param dir The folder that they are relative to. Pure. */
export function resolveAlerts(alerts: AlertSettings | undefined, dir: string): AlertSettings | undefined {
  if (alerts === undefined) return undefined;
  const webhooks = Object.entries(alerts.webhooks).map(([name, { urlFile, secretFile, ...rest }]) => {
    const secret = secretFile === undefined ? {} : { secretFile: resolve(dir, secretFile) };
    return [name, { ...rest, urlFile: resolve(dir, urlFile), ...secret }] as const;
  });
  return { ...alerts, webhooks: Object.fromEntries(webhooks) };
}
