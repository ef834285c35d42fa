export const handlers = {
  "nlp.intent.detected@1": async ({ data }, { log, publish }) => {
    log.info("heard", { intent: data.intent });
    await publish("ui.notify@1", { text: `heard ${data.intent}`, level: "info" });
  },
};
