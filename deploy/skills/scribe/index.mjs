export const handlers = {
  "ui.notify@1": ({ data }, { log }) => {
    log.info("told", { text: data.text });
  },
};
